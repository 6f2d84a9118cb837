//! Enums of which each value has one name: in `results.json`, in exports, and in text.

/// Defines an enum by the names of its values: they are what serde reads and writes, what `name` and `Display` give, and `ALL` lists the values.
macro_rules! named {
    ($(#[$about:meta])* pub enum $type:ident { $($(#[$value_about:meta])* $value:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $type {
            $($(#[$value_about])* #[serde(rename = $name)] $value,)*
        }

        impl $type {
            /// All values, in the order of their definition.
            pub const ALL: [Self; [$($type::$value),*].len()] = [$($type::$value),*];

            /// The name in `results.json` and its exports.
            pub const fn name(self) -> &'static str {
                match self {
                    $($type::$value => $name,)*
                }
            }

            /// The value of this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|value| value.name() == name)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

pub(crate) use named;

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro defines public enums")]
mod tests {
    named! {
        /// Of this test.
        pub enum Weather {
            /// No cloud.
            Fine = "fine",
            /// Many.
            NotSoFine = "not-so-fine",
        }
    }

    #[test]
    fn a_value_has_one_name_everywhere() {
        assert_eq!(Weather::ALL, [Weather::Fine, Weather::NotSoFine]);
        for weather in Weather::ALL {
            let json = format!("\"{}\"", weather.name());
            assert_eq!(serde_json::to_string(&weather).unwrap(), json);
            assert_eq!(serde_json::from_str::<Weather>(&json).unwrap(), weather);
            assert_eq!((weather.to_string().as_str(), Weather::named(weather.name())), (weather.name(), Some(weather)));
        }
        assert_eq!(Weather::named("foul"), None);
        assert!(serde_json::from_str::<Weather>("\"foul\"").is_err());
    }
}

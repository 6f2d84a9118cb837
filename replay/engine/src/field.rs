//! The field: the contenders that a command chooses from, those of the registry and those of its author.

use std::collections::HashSet;

use heaprace_allocators::{Group, Purpose};

use crate::contender::Contender;

/// The group of all contenders. The others are those of [`Group`].
const ALL: &str = "all";

/// The contenders that a command chooses from.
#[derive(Clone, Debug)]
pub struct Field {
    /// In table order: contenders, yardsticks, ablations, the floor.
    contenders: Vec<Contender>,
    /// The names of those that are not in the registry.
    own: HashSet<&'static str>,
}

/// Why there is no such field, or nothing of that name in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// Two contenders have one name, or one has that of a group.
    #[error("two allocators or groups are called {name:?}: give yours another name in its INFO")]
    Taken {
        /// The name.
        name: &'static str,
    },
    /// A name that a command line or a file name would not take.
    #[error(
        "an allocator cannot be called {name:?}: use lower-case letters, digits, '-', '_' and '.', and begin with a letter"
    )]
    Unfit {
        /// The name.
        name: &'static str,
    },
    /// There is no contender or group of this name.
    #[error("there is no allocator {name:?}; there are {known}")]
    Unknown {
        /// The name.
        name: String,
        /// All that there are.
        known: String,
    },
}

impl Field {
    /// The contenders of the registry.
    pub fn registered() -> Self {
        Field { contenders: Contender::all(), own: HashSet::new() }
    }

    /// The contenders of the registry, and in front of them those that their author brings.
    ///
    /// # Errors
    ///
    /// If a name is taken, or would not do on a command line.
    pub fn with(own: Vec<Contender>) -> Result<Self, FieldError> {
        let mut taken: HashSet<&str> = Group::ALL.iter().map(|group| group.name()).chain([ALL]).collect();
        let names = own.iter().map(|contender| contender.info.name).collect();
        let mut contenders = own;
        contenders.extend(Contender::all());
        for name in contenders.iter().map(|contender| contender.info.name) {
            if !is_fit(name) {
                return Err(FieldError::Unfit { name });
            }
            if !taken.insert(name) {
                return Err(FieldError::Taken { name });
            }
        }
        // A stable order: those of one role stay as they are.
        contenders.sort_by_key(|contender| match contender.info.purpose {
            Purpose::Contender => 0,
            Purpose::Yardstick => 1,
            Purpose::Ablation => 2,
            Purpose::Floor => 3,
        });
        Ok(Field { contenders, own: names })
    }

    /// All contenders, in table order.
    pub fn all(&self) -> &[Contender] {
        &self.contenders
    }

    /// Whether it has contenders that are not in the registry.
    pub fn has_own(&self) -> bool {
        !self.own.is_empty()
    }

    /// The contenders of these names and groups, each once, in table order.
    ///
    /// # Errors
    ///
    /// [`FieldError::Unknown`] with the first name that there is not.
    pub fn choose<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<Vec<Contender>, FieldError> {
        let names: Vec<&str> = names.into_iter().collect();
        if let Some(&name) = names.iter().find(|name| !self.choices().any(|choice| choice == **name)) {
            let known = self.choices().collect::<Vec<_>>().join(", ");
            return Err(FieldError::Unknown { name: name.to_owned(), known });
        }
        Ok(self.those(|contender| names.iter().any(|name| contender.info.name == *name || self.is_in(contender, name))))
    }

    /// All names of contenders, in table order, and then those of groups.
    pub fn choices(&self) -> impl Iterator<Item = &'static str> + use<'_> {
        self.names().chain(groups())
    }

    /// The names of all contenders, in table order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<'_> {
        self.contenders.iter().map(|contender| contender.info.name)
    }

    /// The contenders of a group, in table order. [`Group::Default`], which is compared if nothing is chosen, also has whatever
    /// the author brings.
    pub fn members(&self, group: Group) -> Vec<Contender> {
        self.those(|contender| self.is_in(contender, group.name()))
    }

    fn those(&self, are_meant: impl Fn(&Contender) -> bool) -> Vec<Contender> {
        self.contenders.iter().copied().filter(are_meant).collect()
    }

    fn is_in(&self, contender: &Contender, group: &str) -> bool {
        group == ALL
            || (group == Group::Default.name() && self.own.contains(contender.info.name))
            || contender.info.groups.iter().any(|of| of.name() == group)
    }
}

fn groups() -> impl Iterator<Item = &'static str> {
    Group::ALL.iter().map(|group| group.name()).chain([ALL])
}

fn is_fit(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|one| matches!(one, 'a'..='z' | '0'..='9' | '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use heaprace_allocators::contenders::bump::Bump;
    use heaprace_allocators::{HeapAllocator, HeapRef, Info};

    use super::*;

    /// bump under another name.
    struct Own<const NAME: u8>;

    // SAFETY: it is never created.
    unsafe impl<const NAME: u8> HeapAllocator for Own<NAME> {
        const INFO: Info = Info {
            name: ["mine", "talc", "embedded", "Not fit", "an-ablation"][NAME as usize],
            purpose: if NAME == 4 { Purpose::Ablation } else { Purpose::Contender },
            groups: &[],
            ..Bump::INFO
        };

        fn create(_: HeapRef) -> Self {
            unreachable!("it is never created")
        }

        unsafe fn alloc(&mut self, _: std::alloc::Layout) -> *mut u8 {
            std::ptr::null_mut()
        }

        unsafe fn dealloc(&mut self, _: *mut u8, _: std::alloc::Layout) {}
    }

    fn names(contenders: &[Contender]) -> Vec<&'static str> {
        contenders.iter().map(|contender| contender.info.name).collect()
    }

    #[test]
    fn an_authors_contenders_take_part_by_default_in_the_order_of_roles() {
        let field = Field::with(vec![Contender::of::<Own<4>>(), Contender::of::<Own<0>>()]).unwrap();
        let registered = Field::registered();
        assert!(field.has_own() && !registered.has_own());
        assert_eq!(field.names().next(), Some("mine"));
        let place = |name| field.names().position(|other| other == name).unwrap();
        assert!(place("bump") < place("an-ablation") && place("an-ablation") < place("null"));
        let default = names(&field.members(Group::Default));
        assert!(["mine", "an-ablation", "dlmalloc", "null"].iter().all(|name| default.contains(name)), "{default:?}");
        assert!(!default.contains(&"segregated-bump-mv"));
        assert_eq!(default.len(), registered.members(Group::Default).len() + 2);
    }

    #[test]
    fn names_and_groups_are_chosen_once_each_in_table_order() {
        let field = Field::registered();
        let chosen = |these: &[&str]| field.choose(these.iter().copied()).map(|chosen| names(&chosen));
        assert_eq!(chosen(&["talc", "dlmalloc", "talc"]), Ok(vec!["dlmalloc", "talc"]));
        assert_eq!(chosen(&["all"]), Ok(field.names().collect()));
        assert_eq!(
            chosen(&["ablations", "default"]).unwrap().len(),
            names(field.all())
                .iter()
                .filter(|name| {
                    let is_in = |group| names(&field.members(group)).contains(name);
                    is_in(Group::Default) || is_in(Group::Ablations)
                })
                .count()
        );
        let error = chosen(&["talc", "tlac"]).unwrap_err();
        assert!(matches!(&error, FieldError::Unknown { name, .. } if name == "tlac"), "{error:?}");
        assert!(error.to_string().contains("dlmalloc") && error.to_string().contains("embedded"), "{error}");
    }

    #[test]
    fn a_name_that_is_taken_or_unfit_is_an_error() {
        let with = |contender| Field::with(vec![contender]).map(|_| ()).unwrap_err();
        assert_eq!(with(Contender::of::<Own<1>>()), FieldError::Taken { name: "talc" });
        assert_eq!(with(Contender::of::<Own<2>>()), FieldError::Taken { name: "embedded" });
        assert_eq!(with(Contender::of::<Own<3>>()), FieldError::Unfit { name: "Not fit" });
        let twice = vec![Contender::of::<Own<0>>(), Contender::of::<Own<0>>()];
        assert_eq!(Field::with(twice).map(|_| ()).unwrap_err(), FieldError::Taken { name: "mine" });
    }
}

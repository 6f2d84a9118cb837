//! The behaviour of the crate as a whole, tested from outside.

// The attribute changes nothing for the compiler; with it, clippy allows `unwrap` in there.
#[cfg(test)]
mod algebra;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod htrace;
#[cfg(test)]
mod import;
#[cfg(test)]
mod languages;
#[cfg(test)]
mod library;
#[cfg(test)]
mod locate;
#[cfg(test)]
mod narrow;
#[cfg(test)]
mod native;
#[cfg(test)]
mod output;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reading;

//! What the crate promises as a whole, tested from outside.

// The attribute changes nothing for the compiler; it tells clippy that what is in there may unwrap.
#[cfg(test)]
mod algebra;
#[cfg(test)]
mod binary;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod import;
#[cfg(test)]
mod library;
#[cfg(test)]
mod locate;
#[cfg(test)]
mod native;
#[cfg(test)]
mod output;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reading;

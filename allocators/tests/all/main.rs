//! All integration tests of the crate, in one binary.

#[cfg(test)]
mod absolute_addresses;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod family;
#[cfg(test)]
mod page_sizes;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod segregated_bump;
#[cfg(test)]
mod shipped_sources;
#[cfg(test)]
mod soundness;
#[cfg(test)]
mod swept_bump;

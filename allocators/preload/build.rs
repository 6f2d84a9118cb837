//! Keeps the symbols of the libraries that are linked into this one to itself: the program must get `malloc` and its kin
//! from here, and nothing else, above all not the `mmap` that wee_alloc's contender defines.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
    }
}

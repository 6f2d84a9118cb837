//! The command line as a user types it: `tests/cli/*.trycmd`, each in the folder of the same name.

#[test]
fn sessions() {
    let cases = trycmd::TestCases::new();
    cases.case("tests/cli/*.trycmd");
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    crate::record::build_library();
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    cases.skip("tests/cli/record.trycmd");
}

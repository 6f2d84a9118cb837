//! The command line as a user types it: `tests/cli/*.trycmd`, each in the folder of the same name.

#[test]
fn sessions() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd");
}

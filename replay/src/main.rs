//! The `replay` command.

fn main() -> std::process::ExitCode {
    heaprace::main(heaprace::contenders![])
}

//! Records a region of a program into `my-program.htrace`.

use heaprace_recorder::Recorder;

#[global_allocator]
static ALLOCATOR: Recorder = Recorder::new("my-program.htrace").stopped();

pub(crate) fn main() {
    let settings = vec![7_u8; 1000];
    ALLOCATOR.start();
    for request in 1..=3 {
        heaprace_recorder::mark(&format!("request {request}"));
        let answer = settings.repeat(2);
        println!("request {request}: {}", answer.len());
    }
    ALLOCATOR.stop();
    println!("{}", vec![7_u8; 3000].len());
}

//! `wasm-interpreter`: a host that runs its users' plug-ins as Wasm modules in wasmi, each request in an instance of its own.
//!
//! A module is assembled, validated and translated when it is uploaded, and kept until a newer version comes. A request gets a
//! store, an instance and a linear memory, which is zeroed and goes with the request. So blocks of whole pages come and go among the
//! many small things that an engine holds for a module.

use std::collections::VecDeque;

use wasmi::{Caller, Engine, Error, Linker, Module, Store};
use workloads::{Sequence, sources};

workloads::allocator!("wasm-interpreter.htrace");

const REQUESTS: u32 = 900;
const KEPT_ANSWERS: usize = 40;

static PLUGINS: &str = include_str!("../../input/plugins.wat");

/// What a running guest has told its host.
#[derive(Default)]
struct Notes(Vec<i32>);

struct Plugin {
    name: String,
    module: Module,
}

fn main() -> Result<(), Error> {
    let engine = Engine::default();
    let mut linker: Linker<Notes> = Linker::new(&engine);
    linker.func_wrap("host", "note", |mut caller: Caller<'_, Notes>, number: i32| caller.data_mut().0.push(number))?;
    let texts: Vec<(&str, &str)> = PLUGINS.split(";;;; ").skip(1).filter_map(|plugin| plugin.split_once(':')).collect();
    let mut plugins = Vec::new();
    for &(name, text) in &texts {
        plugins.push(upload(&engine, name, text, 0)?);
    }
    let inputs: Vec<(&str, &str)> = sources().collect();
    let mut world = Sequence::new(43);
    let mut kept = VecDeque::new();
    let (mut bytes, mut notes) = (0, 0);
    for request in 0..REQUESTS {
        let at = world.below(plugins.len());
        if world.below(25) == 0 {
            let (name, text) = texts[at];
            plugins[at] = upload(&engine, name, text, request)?;
        }
        let input = part(inputs[world.below(inputs.len())].1, world.mostly_low(6000));
        let (answer, told) = run(&linker, &plugins[at], input)?;
        bytes += answer.len();
        notes += told;
        kept.push_back(format!("{}: {} bytes, {told} notes", plugins[at].name, answer.len()).into_bytes());
        kept.push_back(answer);
        while kept.len() > KEPT_ANSWERS {
            kept.pop_front();
        }
    }
    println!("{REQUESTS} requests, {bytes} bytes of answers, {notes} notes");
    Ok(())
}

/// Makes a module of a plug-in's text, of which each version carries its number.
fn upload(engine: &Engine, name: &str, text: &str, version: u32) -> Result<Plugin, Error> {
    // What stands before the module is its description.
    let text = text.split_once('\n').map_or(text, |(_, module)| module);
    let text = format!(";; version {version}\n{text}");
    Ok(Plugin { name: format!("{name} {version}"), module: Module::new(engine, text.as_bytes())? })
}

/// The beginning of a text, up to the end of a line.
fn part(text: &str, most: usize) -> &[u8] {
    let text = text.as_bytes();
    let end = text.iter().skip(most).position(|&byte| byte == b'\n').map_or(text.len(), |end| most + end);
    &text[..end]
}

/// Runs one request: gives the answer, and how many notes the guest made.
fn run(linker: &Linker<Notes>, plugin: &Plugin, input: &[u8]) -> Result<(Vec<u8>, usize), Error> {
    let mut store = Store::new(linker.engine(), Notes::default());
    let instance = linker.instantiate_and_start(&mut store, &plugin.module)?;
    let memory = instance.get_memory(&store, "memory").ok_or_else(|| Error::new("a plug-in exports its memory"))?;
    let out_of_bounds = |_| Error::new("an answer outside the memory");
    memory.write(&mut store, 1024, input).map_err(out_of_bounds)?;
    let packed = instance.get_typed_func::<i32, i64>(&store, "run")?.call(&mut store, input.len() as i32)?;
    let mut answer = vec![0; packed as u32 as usize];
    memory.read(&store, (packed >> 32) as u32 as usize, &mut answer).map_err(out_of_bounds)?;
    Ok((answer, store.data().0.len()))
}

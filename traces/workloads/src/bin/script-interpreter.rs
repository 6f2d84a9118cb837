//! `script-interpreter`: an application that users extend by scripts, run by Rhai.
//!
//! Scripts are compiled when a user saves them and called for every event that they subscribe to, with a scope that stays between
//! calls. A tree-walking interpreter lives on its allocator: every string, array and map that a script makes is a counted object of
//! its own, variables come and go with their blocks, and user data grows in the scope.

use rhai::{AST, Dynamic, Engine, EvalAltResult, Map, Scope};
use workloads::Sequence;

workloads::allocator!("script-interpreter.htrace");

const EVENTS: u32 = 400;

/// Counts words, as a statistics plug-in would.
const COUNTER: &str = r#"
    fn on_event(event) {
        for word in event.text.split(" ") {
            let key = word.to_lower();
            if key.len < 3 { continue; }
            if key in this.counts { this.counts[key] += 1; } else { this.counts[key] = 1; }
        }
        if event.number % 50 == 0 {
            let often = #{};
            for key in this.counts.keys() { if this.counts[key] >= 8 { often[key] = 0; } }
            this.counts = often;
        }
        `counted ${this.counts.len()}`
    }
"#;

/// A ledger that is settled from time to time.
const LEDGER: &str = r#"
    fn settle(entries) {
        let sums = #{};
        for entry in entries {
            sums[entry.who] = (sums[entry.who] ?? 0) + entry.amount;
        }
        let out = [];
        for who in sums.keys() { out.push(#{ who: who, amount: sums[who] }); }
        out.sort(|a, b| if a.amount < b.amount { -1 } else if a.amount > b.amount { 1 } else { 0 });
        out
    }
    fn on_event(event) {
        this.entries.push(#{ who: event.user, amount: event.amount, note: "from " + event.user + ": " + event.text });
        if this.entries.len > 60 { this.entries = settle(this.entries); }
        this.entries.len
    }
"#;

/// A puzzle: fills lists and throws them away.
const SIEVE: &str = r#"
    fn primes(below) {
        let crossed = [];
        crossed.pad(below, false);
        let found = [];
        for n in 2..below {
            if crossed[n] { continue; }
            found.push(n);
            let multiple = n * n;
            while multiple < below { crossed[multiple] = true; multiple += n; }
        }
        found
    }
    fn on_event(event) {
        let found = primes(50 + event.amount % 100);
        let text = "";
        for prime in found { text += `${prime},`; }
        this.longest = if text.len > this.longest.len { text } else { this.longest };
        found.len
    }
"#;

/// A list of messages that is drawn anew after each event.
const VIEW: &str = r#"
    fn line(message) {
        let short = if message.text.len > 30 { message.text.sub_string(0, 27) + "..." } else { message.text };
        `<li class="${message.user}">${short}</li>`
    }
    fn on_event(event) {
        this.messages.push(event);
        if this.messages.len > 24 { this.messages.remove(0); }
        let html = "<ul>";
        for message in this.messages { html += line(message); }
        this.html = html + "</ul>";
        this.html.len
    }
"#;

struct Plugin {
    source: String,
    program: AST,
    state: Dynamic,
    scope: Scope<'static>,
}

fn main() -> Result<(), Box<EvalAltResult>> {
    let engine = Engine::new();
    let mut plugins = Vec::new();
    let states = ["#{ counts: #{} }", "#{ entries: [] }", "#{ longest: \"\" }", "#{ messages: [], html: \"\" }"];
    for (source, state) in [COUNTER, LEDGER, SIEVE, VIEW].into_iter().zip(states) {
        let program = engine.compile(source)?;
        plugins.push(Plugin { source: source.to_owned(), program, state: engine.eval(state)?, scope: Scope::new() });
    }
    let mut world = Sequence::new(5);
    let mut answers = 0;
    for number in 0..EVENTS {
        let event = event(&mut world, number);
        for plugin in &mut plugins {
            // Somebody saves a script now and then, and it is compiled anew while its state stays.
            if world.below(60) == 0 {
                plugin.source.push_str(&format!("// saved after event {number}\n"));
                plugin.program = engine.compile(&plugin.source)?;
            }
            let options = rhai::CallFnOptions::new().eval_ast(false).bind_this_ptr(&mut plugin.state);
            let arguments = (event.clone(),);
            let answer: Dynamic =
                engine.call_fn_with_options(options, &mut plugin.scope, &plugin.program, "on_event", arguments)?;
            answers += answer.to_string().len();
        }
    }
    println!("{EVENTS} events for {} scripts, {answers} bytes of answers", plugins.len());
    Ok(())
}

/// An event as the application passes it to scripts: a map.
fn event(world: &mut Sequence, number: u32) -> Map {
    const WORDS: [&str; 12] =
        ["meeting", "at", "the", "usual", "place", "bring", "chairs", "and", "Cake", "tomorrow", "deadline", "moved"];
    let text: Vec<&str> = (0..4 + world.below(12)).map(|_| WORDS[world.mostly_low(WORDS.len())]).collect();
    Map::from_iter([
        ("number".into(), Dynamic::from(i64::from(number))),
        ("user".into(), Dynamic::from(format!("user{}", world.below(9)))),
        ("amount".into(), Dynamic::from(world.below(500) as i64)),
        ("text".into(), Dynamic::from(text.join(" "))),
    ])
}

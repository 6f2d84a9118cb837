//! `text-editor`: an editor that holds its buffers in ropes (ropey), with undo, search and saving.
//!
//! A rope is a tree of counted nodes of nearly one size. An edit copies the nodes on its path where an older version still
//! shares them, and the undo history holds many older versions: so nodes live for a keystroke or for the whole session, and which
//! one it will be is not known when they are made.

use ropey::Rope;
use workloads::{Sequence, sources};

workloads::allocator!("text-editor.htrace");

const COMMANDS: u32 = 6_000;
const UNDO_STEPS: usize = 50;

struct Buffer {
    path: &'static str,
    text: Rope,
    undo: Vec<Rope>,
    redo: Vec<Rope>,
    cursor: usize,
}

fn main() {
    let mut user = Sequence::new(31);
    let mut open: Vec<Buffer> = Vec::new();
    let files: Vec<_> = sources().collect();
    let (mut saved_bytes, mut found, mut clipboard) = (0, 0, String::new());
    for command in 0..COMMANDS {
        // A file is opened now and then, and the oldest buffer closed.
        if command % 500 == 0 {
            let (path, text) = files[user.below(files.len())];
            let text = Rope::from_str(text);
            open.push(Buffer { path, cursor: text.len_chars() / 2, text, undo: Vec::new(), redo: Vec::new() });
            if open.len() > 6 {
                open.remove(0);
            }
        }
        let last = open.len() - 1;
        let at = last - user.mostly_low(open.len());
        let buffer = &mut open[at];
        match user.below(100) {
            0..60 => buffer.type_text(&mut user),
            60..70 => buffer.jump(&mut user),
            70..78 => clipboard = buffer.cut(&mut user),
            78..84 => buffer.insert(&clipboard),
            84..92 => buffer.undo(),
            92..95 => buffer.redo(),
            95..98 => found += buffer.search(["self", "bytes", "Result<", "// "][user.below(4)]).len(),
            _ => saved_bytes += buffer.save().len(),
        }
    }
    let names: Vec<&str> = open.iter().map(|buffer| buffer.path).collect();
    println!("{COMMANDS} commands, {saved_bytes} bytes saved, {found} places found, open: {}", names.join(" "));
}

impl Buffer {
    /// Remembers the text as it is, so that it can be had back.
    fn remember(&mut self) {
        self.redo.clear();
        if self.undo.len() == UNDO_STEPS {
            self.undo.remove(0);
        }
        self.undo.push(self.text.clone());
    }

    fn insert(&mut self, text: &str) {
        self.remember();
        self.cursor = self.cursor.min(self.text.len_chars());
        self.text.insert(self.cursor, text);
        self.cursor += text.chars().count();
    }

    /// A word or a line, key by key; one step for undo.
    fn type_text(&mut self, user: &mut Sequence) {
        const TYPED: [&str; 6] = ["let ", "value", "()", ".iter()", ";\n", "\n        // in full\n"];
        self.insert("");
        for key in TYPED[user.below(TYPED.len())].chars() {
            self.text.insert_char(self.cursor, key);
            self.cursor += 1;
        }
        if user.below(4) == 0 {
            self.cursor -= 1;
            self.text.remove(self.cursor..self.cursor + 1);
        }
    }

    fn jump(&mut self, user: &mut Sequence) {
        let line = user.below(self.text.len_lines());
        self.cursor = self.text.line_to_char(line);
    }

    /// Takes some lines out.
    fn cut(&mut self, user: &mut Sequence) -> String {
        self.remember();
        let first = user.below(self.text.len_lines());
        let end = (first + 1 + user.mostly_low(30)).min(self.text.len_lines());
        let place = self.text.line_to_char(first)..self.text.line_to_char(end);
        let taken = self.text.slice(place.clone()).to_string();
        self.text.remove(place.clone());
        self.cursor = place.start;
        taken
    }

    fn undo(&mut self) {
        if let Some(older) = self.undo.pop() {
            self.redo.push(std::mem::replace(&mut self.text, older));
            self.cursor = self.cursor.min(self.text.len_chars());
        }
    }

    fn redo(&mut self) {
        if let Some(newer) = self.redo.pop() {
            self.undo.push(std::mem::replace(&mut self.text, newer));
            self.cursor = self.cursor.min(self.text.len_chars());
        }
    }

    /// The lines that hold a text, each with its number, for the list beside the window.
    fn search(&self, wanted: &str) -> Vec<(usize, String)> {
        let lines = self.text.lines().enumerate().map(|(number, line)| (number + 1, line.to_string()));
        lines.filter(|(_, line)| line.contains(wanted)).collect()
    }

    /// The bytes of the file, as they go to the disk.
    fn save(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for chunk in self.text.chunks() {
            bytes.extend_from_slice(chunk.as_bytes());
        }
        bytes
    }
}

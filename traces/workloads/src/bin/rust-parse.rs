//! `rust-parse`: a code checker that reads the sources of a workspace with syn, as linters and code generators do.
//!
//! All files are parsed and held at once, because what is looked for spans them: who calls whom, and which public function has no
//! documentation. Then the trees go, file by file. Files are parsed again one at a time when they change, as a checker does that
//! watches a folder: a new tree is built while the old one is still there.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use workloads::{Sequence, sources};

workloads::allocator!("rust-parse.htrace");

/// What is checked: a part of the sources, so that the trace stays small.
const CRATES: [&str; 2] = ["allocators/", "traces/"];
/// How often a file changes after the first look.
const CHANGES: u32 = 8;

fn main() -> syn::Result<()> {
    let mut files = BTreeMap::new();
    for (path, text) in
        sources().filter(|(path, _)| path.ends_with(".rs") && CRATES.iter().any(|name| path.starts_with(name)))
    {
        files.insert(path, syn::parse_file(text)?);
    }
    let mut findings = check(&files);
    let paths: Vec<&str> = files.keys().copied().collect();
    let mut changes = Sequence::new(7);
    for _ in 0..CHANGES {
        let changed = paths[changes.below(paths.len())];
        let Some((_, text)) = sources().find(|&(path, _)| path == changed) else { continue };
        files.insert(changed, syn::parse_file(&with_new_names(text, changes.below(1000)))?);
        findings = check(&files);
    }
    println!(
        "{} files, {} functions, {} unsafe blocks, {} without documentation, {} called from nowhere here",
        files.len(),
        findings.calls.len(),
        findings.unsafe_blocks,
        findings.undocumented.len(),
        findings.uncalled().count(),
    );
    Ok(())
}

/// The text as someone who renames a variable would leave it.
fn with_new_names(text: &str, number: usize) -> String {
    text.replace("index", &format!("index_{number}"))
}

fn check(files: &BTreeMap<&str, syn::File>) -> Findings {
    let mut findings = Findings::default();
    for (path, file) in files {
        findings.module = path.trim_end_matches(".rs").replace("/src/", "::").replace('/', "::");
        findings.visit_file(file);
    }
    findings
}

/// What is found, and where the visitor is.
#[derive(Default)]
struct Findings {
    module: String,
    /// The function whose body is looked at.
    function: String,
    /// For each function, by its full name, the last segments of the names that it calls.
    calls: BTreeMap<String, BTreeSet<String>>,
    undocumented: Vec<String>,
    unsafe_blocks: u32,
}

impl Findings {
    /// Enters a function: what is visited from now on belongs to it.
    fn enter(&mut self, name: &syn::Ident, attributes: &[syn::Attribute], visibility: Option<&syn::Visibility>) {
        self.function = format!("{}::{name}", self.module);
        self.calls.entry(self.function.clone()).or_default();
        let documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
        if matches!(visibility, Some(syn::Visibility::Public(_))) && !documented {
            self.undocumented.push(self.function.clone());
        }
    }

    fn call(&mut self, name: &syn::Ident) {
        if let Some(calls) = self.calls.get_mut(&self.function) {
            calls.insert(name.to_string());
        }
    }

    fn uncalled(&self) -> impl Iterator<Item = &str> {
        let called: BTreeSet<&str> = self.calls.values().flatten().map(String::as_str).collect();
        self.calls.keys().map(String::as_str).filter(move |full| {
            let name = full.rsplit("::").next().unwrap_or(full);
            !called.contains(name)
        })
    }
}

impl<'ast> Visit<'ast> for Findings {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.enter(&function.sig.ident, &function.attrs, Some(&function.vis));
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.enter(&function.sig.ident, &function.attrs, Some(&function.vis));
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        self.enter(&function.sig.ident, &function.attrs, None);
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.unsafe_blocks += 1;
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(function) = &*call.func
            && let Some(last) = function.path.segments.last()
        {
            self.call(&last.ident);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.call(&call.method);
        visit::visit_expr_method_call(self, call);
    }
}

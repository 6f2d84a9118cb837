//! The documents of this repository as a site, which GitHub Pages or any other server serves as it is:
//! `cargo run -p heaprace --example site -- OUT`
//!
//! It begins with README.md and follows every link to a file of the repository. Documents become pages, everything else is copied. A link
//! that leads nowhere, to a heading that is not there, or out of the repository is an error: all of them are listed, and nothing is
//! written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// The first document.
const FIRST: &str = "README.md";

/// The entries above every page: their names and documents.
const MENU: [(&str, &str); 6] = [
    ("Heaprace", FIRST),
    ("Tutorial", "docs/TUTORIAL.md"),
    ("The library", "docs/library.html"),
    ("Methodology", "METHODOLOGY.md"),
    ("Metrics", "METRICS.md"),
    ("Trace format", "FORMAT.md"),
];

const STYLE: &str = "\
:root { color-scheme: light dark; --ink: light-dark(#1f2328, #e6e6e6); --paper: light-dark(#fff, #16181c); --line: light-dark(#d0d7de, #3a3f47); }
body { margin: 0 auto; max-width: 52rem; padding: 1rem; font: 1rem/1.6 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; padding-bottom: 0.5rem; border-bottom: 1px solid var(--line); }
a { color: light-dark(#0550ae, #79b8ff); }
img { max-width: 100%; background: #fff; }
pre, table { display: block; overflow-x: auto; }
pre { padding: 0.75rem; border: 1px solid var(--line); border-radius: 6px; line-height: 1.35; }
code { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: 0.9em; }
table { border-collapse: collapse; }
th, td { padding: 0.3rem 0.6rem; border: 1px solid var(--line); vertical-align: top; }";

fn main() -> ExitCode {
    let Some(out) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: site OUT");
        return ExitCode::from(2);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in a folder of the repository");
    let site = match Site::of(root) {
        Ok(site) => site,
        Err(faults) => {
            faults.iter().for_each(|fault| eprintln!("error: {fault}"));
            return ExitCode::FAILURE;
        }
    };
    match site.write(root, &out) {
        Ok(()) => {
            println!("{} pages and {} other files are in {}", site.pages.len(), site.files.len(), out.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}: {error}", out.display());
            ExitCode::FAILURE
        }
    }
}

/// Pages by their paths, and the files that they refer to, all from the root of the repository.
#[derive(Debug, Default)]
struct Site {
    pages: BTreeMap<PathBuf, String>,
    files: BTreeSet<PathBuf>,
}

/// A document, and what its links need.
struct Document<'a> {
    path: PathBuf,
    events: Vec<Event<'a>>,
    /// The names by which links find its headings.
    headings: BTreeSet<String>,
}

impl Site {
    /// The site of the repository in this folder, or what is wrong with its links.
    fn of(root: &Path) -> Result<Site, Vec<String>> {
        let mut texts = BTreeMap::new();
        let mut faults = Vec::new();
        let mut left = vec![PathBuf::from(FIRST)];
        left.extend(MENU.iter().map(|(_, path)| PathBuf::from(path)).filter(|path| is_document(path)));
        while let Some(path) = left.pop() {
            if texts.contains_key(&path) {
                continue;
            }
            match fs::read_to_string(root.join(&path)) {
                Ok(text) => {
                    left.extend(links(&text).iter().filter_map(|link| document(root, &path, link)));
                    texts.insert(path, text);
                }
                Err(error) => faults.push(format!("{}: {error}", path.display())),
            }
        }
        let documents: Vec<Document> = texts.iter().map(|(path, text)| Document::of(path, text)).collect();
        let mut site = Site { files: MENU.iter().map(|(_, path)| path.into()).collect(), ..Site::default() };
        site.files.retain(|path| !is_document(path));
        for one in &documents {
            let mut events = one.events.clone();
            for event in &mut events {
                let (Event::Start(Tag::Link { dest_url: link, .. }) | Event::Start(Tag::Image { dest_url: link, .. })) =
                    event
                else {
                    continue;
                };
                match site.target(root, one, &documents, link) {
                    Ok(target) => *link = CowStr::from(target),
                    Err(fault) => faults.push(format!("{}: {link}: {fault}", one.path.display())),
                }
            }
            site.pages.insert(page_of(&one.path), page(one, events.into_iter()));
        }
        if faults.is_empty() { Ok(site) } else { Err(faults) }
    }

    /// Where a link leads on the site. Files that it leads to become part of the site.
    fn target(&mut self, root: &Path, from: &Document, all: &[Document], link: &str) -> Result<String, String> {
        if link.contains("://") || link.starts_with("mailto:") {
            return Ok(link.to_owned());
        }
        let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
        let to = if path.is_empty() {
            from.path.clone()
        } else {
            resolved(&from.path, path).ok_or("leaves the repository")?
        };
        if !root.join(&to).exists() {
            return Err("there is no such file".to_owned());
        }
        let Some(document) = document_at(root, &to) else {
            if root.join(&to).is_dir() {
                return Err("is a folder without a README.md".to_owned());
            }
            self.files.insert(to.clone());
            return Ok(relative(&from.path, &to));
        };
        let found = all.iter().find(|one| one.path == document).ok_or("it is not read")?;
        if let Some(heading) = heading.filter(|heading| !found.headings.contains(*heading)) {
            return Err(format!("{} has no heading #{heading}", document.display()));
        }
        let heading = heading.map(|heading| format!("#{heading}")).unwrap_or_default();
        Ok(if path.is_empty() { heading } else { relative(&from.path, &page_of(&document)) + &heading })
    }

    fn write(&self, root: &Path, out: &Path) -> io::Result<()> {
        let place = |path: &Path| -> io::Result<PathBuf> {
            let place = out.join(path);
            fs::create_dir_all(place.parent().unwrap_or(out))?;
            Ok(place)
        };
        for (path, page) in &self.pages {
            fs::write(place(path)?, page)?;
        }
        for path in &self.files {
            fs::copy(root.join(path), place(path)?)?;
        }
        // Otherwise GitHub takes the site for the source of another.
        fs::write(out.join(".nojekyll"), "")
    }
}

impl<'a> Document<'a> {
    /// With a name for each heading, as GitHub gives them.
    fn of(path: &Path, text: &'a str) -> Self {
        let mut events: Vec<Event> = Parser::new_ext(text, options()).collect();
        let mut headings = BTreeSet::new();
        let (mut start, mut words) = (None, String::new());
        for at in 0..events.len() {
            match &events[at] {
                Event::Start(Tag::Heading { .. }) => (start, words) = (Some(at), String::new()),
                Event::Text(text) | Event::Code(text) => words += text,
                Event::End(TagEnd::Heading(_)) => {
                    let mut name = heading_name(&words);
                    let same = (1..).map(|number| format!("{name}-{number}")).find(|name| !headings.contains(name));
                    if headings.contains(&name) {
                        name = same.expect("numbers do not end");
                    }
                    if let Some(Event::Start(Tag::Heading { id, .. })) = start.map(|start| &mut events[start]) {
                        *id = Some(CowStr::from(name.clone()));
                    }
                    headings.insert(name);
                }
                _ => {}
            }
        }
        Document { path: path.to_owned(), events, headings }
    }

    fn title(&self) -> String {
        let first = |event: &Event| matches!(event, Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }));
        let words = self.events.iter().skip_while(|event| !first(event)).skip(1);
        let words = words.take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
        words.map(|event| if let Event::Text(text) | Event::Code(text) = event { text.as_ref() } else { "" }).collect()
    }
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES
}

fn links(text: &str) -> Vec<String> {
    let link = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    };
    Parser::new_ext(text, options()).filter_map(link).collect()
}

/// The document that a link leads to.
fn document(root: &Path, from: &Path, link: &str) -> Option<PathBuf> {
    let path = link.split('#').next().filter(|path| !path.is_empty() && !path.contains("://"))?;
    document_at(root, &resolved(from, path)?)
}

/// The document at this path: a Markdown file, or that of a folder.
fn document_at(root: &Path, path: &Path) -> Option<PathBuf> {
    let path = if root.join(path).is_dir() { path.join(FIRST) } else { path.to_owned() };
    (is_document(&path) && root.join(&path).is_file()).then_some(path)
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

/// A path from the folder of `from`, as one from the root; `None` if it leads out.
fn resolved(from: &Path, path: &str) -> Option<PathBuf> {
    let mut whole = from.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => whole.push(name),
            Component::CurDir => {}
            Component::ParentDir if whole.pop() => {}
            _ => return None,
        }
    }
    Some(whole)
}

/// The path of `to`, as a link of the document `from` has it.
fn relative(from: &Path, to: &Path) -> String {
    let depth = from.parent().map_or(0, |folder| folder.components().count());
    "../".repeat(depth) + &to.to_string_lossy()
}

/// The page of a document.
fn page_of(document: &Path) -> PathBuf {
    match document.file_name() {
        Some(name) if name == FIRST => document.with_file_name("index.html"),
        _ => document.with_extension("html"),
    }
}

/// The name of a heading in links, as GitHub makes it.
fn heading_name(words: &str) -> String {
    let kept = words.trim().chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.flat_map(char::to_lowercase).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

fn page<'a>(document: &Document, events: impl Iterator<Item = Event<'a>>) -> String {
    let mut body = String::new();
    html::push_html(&mut body, events);
    let entry = |(name, path): (&str, &str)| {
        let path = if is_document(Path::new(path)) { page_of(Path::new(path)) } else { path.into() };
        format!("<a href=\"{}\">{name}</a>", relative(&document.path, &path))
    };
    let menu: Vec<String> = MENU.into_iter().map(entry).collect();
    let title = document.title().replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<nav>{}</nav>\n<main>\n{body}</main>\n</html>\n",
        menu.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_of_the_repository_lead_somewhere() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let site = Site::of(root).unwrap_or_else(|faults| panic!("{faults:#?}"));
        for page in ["index.html", "docs/TUTORIAL.html", "METHODOLOGY.html", "docs/validation/index.html"] {
            assert!(site.pages.contains_key(Path::new(page)), "{page} in {:?}", site.pages.keys());
        }
        assert!(site.files.contains(Path::new("docs/library.html")), "{:?}", site.files);
        let tutorial = &site.pages[Path::new("docs/TUTORIAL.html")];
        assert!(tutorial.contains("href=\"../METHODOLOGY.html#does-a-replay-predict-the-program\""), "{tutorial}");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("docs")).unwrap();
        for (_, path) in MENU {
            fs::write(folder.path().join(path), "# A heading\n").unwrap();
        }
        let readme = |text: &str| fs::write(folder.path().join(FIRST), text).unwrap();
        readme("# Here\n[a](METRICS.md#a-heading), [b](#here), [c](docs/library.html), [d](https://example.com)\n");
        let site = Site::of(folder.path()).unwrap();
        assert!(site.pages[Path::new("index.html")].contains("href=\"METRICS.html#a-heading\""));
        readme("# Here\n[a](gone.md), [b](METRICS.md#gone), [c](#gone), [d](../out), ![e](gone.png), [f](docs)\n");
        let expected = [
            "README.md: gone.md: there is no such file",
            "README.md: METRICS.md#gone: METRICS.md has no heading #gone",
            "README.md: #gone: README.md has no heading #gone",
            "README.md: ../out: leaves the repository",
            "README.md: gone.png: there is no such file",
            "README.md: docs: is a folder without a README.md",
        ];
        assert_eq!(Site::of(folder.path()).unwrap_err(), expected);
    }

    #[test]
    fn headings_have_the_names_that_github_gives_them() {
        assert_eq!(heading_name("Does a replay predict the program?"), "does-a-replay-predict-the-program");
        let text = "# One\n## `Two`, or 2\n## One\n";
        let document = Document::of(Path::new("a.md"), text);
        assert_eq!(document.headings.iter().collect::<Vec<_>>(), ["one", "one-1", "two-or-2"]);
        assert_eq!(document.title(), "One");
    }
}

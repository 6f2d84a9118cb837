//! `markdown-html`: a documentation generator that makes HTML pages of the doc comments in source files, with pulldown-cmark.
//!
//! It is what rustdoc does with a crate: each comment is taken out of its file, read as Markdown, changed on the way (headings get
//! anchors, links to items get addresses) and written as HTML into a page that grows. Contents and a search index are gathered
//! meanwhile and live until the end.

use std::collections::BTreeMap;
use std::fmt::Write;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};
use workloads::sources;

workloads::allocator!("markdown-html.htrace");

/// A site is made again whenever a file was changed.
const BUILDS: usize = 5;

fn main() {
    let mut bytes = 0;
    let mut site = Site::default();
    for build in 0..BUILDS {
        // The old site is served until the new one is complete.
        let mut new = Site::default();
        for (path, text) in sources() {
            let page = match path.ends_with(".md") {
                true => new.page(path, &[(String::new(), text.to_owned())]),
                false => new.page(path, &comments(text, build)),
            };
            bytes += page.len();
            new.pages.insert(path.to_owned(), page);
        }
        site = new;
    }
    println!(
        "{} pages, {bytes} bytes of HTML in {BUILDS} builds, {} headings, {} words in the index",
        site.pages.len(),
        site.contents.len(),
        site.index.len()
    );
}

/// The doc comments of a file, each with the line of code that it belongs to.
fn comments(text: &str, build: usize) -> Vec<(String, String)> {
    let mut comments = Vec::new();
    let mut comment = String::new();
    for line in text.lines() {
        let line = line.trim_start();
        match line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) {
            Some(documentation) => {
                comment.push_str(documentation.strip_prefix(' ').unwrap_or(documentation));
                comment.push('\n');
            }
            None if !comment.is_empty() && !line.starts_with("#[") => {
                if build > 0 {
                    let _ = writeln!(comment, "\n*Build {build}.*");
                }
                comments.push((line.trim_end_matches(" {").to_owned(), std::mem::take(&mut comment)));
            }
            None => {}
        }
    }
    comments
}

#[derive(Default)]
struct Site {
    /// HTML by path.
    pages: BTreeMap<String, String>,
    /// Headings with their addresses.
    contents: Vec<(String, String)>,
    /// The pages on which a word stands.
    index: BTreeMap<String, Vec<String>>,
}

impl Site {
    /// The page of a file: its comments as Markdown, each below the line that it documents.
    fn page(&mut self, path: &str, comments: &[(String, String)]) -> String {
        let mut page = format!("<!doctype html><title>{path}</title>\n");
        for (item, comment) in comments {
            if !item.is_empty() {
                page.push_str("<pre class=\"item\">");
                push_escaped(&mut page, item);
                page.push_str("</pre>\n");
            }
            let mut events = Vec::new();
            let mut heading: Option<String> = None;
            // A link to an item, as in `[Reader]`, has no address of its own.
            let mut item_link = |link: pulldown_cmark::BrokenLink<'_>| {
                let name = link.reference.trim_matches('`').replace("::", ".");
                Some((CowStr::from(format!("{name}.html")), CowStr::from(link.reference.to_string())))
            };
            let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_SMART_PUNCTUATION;
            for event in Parser::new_with_broken_link_callback(comment, options, Some(&mut item_link)) {
                match &event {
                    Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                    Event::Text(text) | Event::Code(text) => {
                        if let Some(heading) = &mut heading {
                            heading.push_str(text);
                        }
                        self.index(path, text);
                    }
                    Event::End(TagEnd::Heading(_)) => {
                        let text = heading.take().unwrap_or_default();
                        let anchor = text.to_lowercase().replace(' ', "-");
                        events.push(Event::InlineHtml(format!("<a id=\"{anchor}\"></a>").into()));
                        self.contents.push((text, format!("{path}.html#{anchor}")));
                    }
                    _ => {}
                }
                events.push(event);
            }
            html::push_html(&mut page, events.into_iter());
        }
        page
    }

    fn index(&mut self, path: &str, text: &str) {
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3) {
            let pages = self.index.entry(word.to_lowercase()).or_default();
            if pages.last().is_none_or(|last| last != path) {
                pages.push(path.to_owned());
            }
        }
    }
}

/// Appends text as it stands in HTML.
fn push_escaped(page: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => page.push_str("&lt;"),
            '&' => page.push_str("&amp;"),
            _ => page.push(c),
        }
    }
}

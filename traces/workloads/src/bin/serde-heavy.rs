//! `serde-heavy`: a service that holds JSON documents and answers requests about them, with serde_json.
//!
//! The documents are the packages of a real `cargo metadata`. A request is JSON too, and so is its response. What such a service
//! does with memory is in here as it comes: the text of a body that grows as it arrives, trees of small objects that live as long as
//! the request, typed values that borrow from the text, a cache of parsed documents from which the least recently used one is
//! thrown out, edited documents that replace stored ones of another size, and the last responses, kept for a while.
//!
//! One thread, no clock, no hashing with a random seed: every run asks for the same memory in the same order.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

workloads::allocator!("serde-heavy.htrace");

static METADATA: &[u8] = include_bytes!("../../input/metadata.json");

const REQUESTS: u32 = 800;
const CACHED_DOCUMENTS: usize = 24;
const KEPT_RESPONSES: usize = 100;

fn main() -> Result<(), serde_json::Error> {
    let mut service = Service::load(METADATA)?;
    let mut clients = Clients { state: 1, names: service.names() };
    let mut response_bytes = 0;
    for number in 0..REQUESTS {
        let response = service.handle(&clients.request(number)?)?;
        response_bytes += response.len();
        service.keep(response);
    }
    println!("{REQUESTS} requests, {response_bytes} bytes of responses, {} documents parsed", service.parsed);
    Ok(())
}

/// Reads a body as it comes from a socket: in pieces, into a buffer that grows.
fn receive(body: &[u8]) -> Vec<u8> {
    let mut received = Vec::new();
    let mut body = io::Cursor::new(body);
    while let Ok(1..) = body.by_ref().take(1460).read_to_end(&mut received) {}
    received
}

/// What clients ask for.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
enum Request {
    /// Some members of a document.
    Fetch { package: String, members: Vec<String> },
    /// A document in short.
    Summarise { package: String },
    /// A document changes and is stored.
    Edit { package: String, patch: Value, remove: Vec<String>, rename: BTreeMap<String, String>, drop_tests: bool },
    /// The documents that have a keyword.
    Search { keyword: String, limit: usize },
    /// Who depends on a package, directly or not.
    Dependents { package: String },
}

/// A package, as far as the service looks into it. Its strings stay in the text where they can.
#[derive(Deserialize)]
struct Package<'a> {
    name: &'a str,
    version: Cow<'a, str>,
    #[serde(borrow)]
    license: Option<Cow<'a, str>>,
    #[serde(borrow)]
    dependencies: Vec<Dependency<'a>>,
    targets: Vec<Target>,
    features: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    keywords: Vec<String>,
}

#[derive(Deserialize)]
struct Dependency<'a> {
    name: &'a str,
    req: String,
    kind: Option<&'a str>,
    optional: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
    src_path: String,
}

/// A package in short, as it is sent.
#[derive(Serialize)]
struct Summary<'a> {
    name: &'a str,
    version: &'a str,
    license: Option<&'a str>,
    required: BTreeMap<&'a str, &'a str>,
    optional: Vec<&'a str>,
    features: Vec<(&'a str, usize)>,
    targets: BTreeMap<&'a str, Vec<&'a str>>,
    longest_path: Option<&'a str>,
}

struct Service {
    /// The documents as text, by name.
    documents: BTreeMap<String, Vec<u8>>,
    /// Parsed documents, the one used last at the end.
    cache: Vec<(String, Value)>,
    responses: VecDeque<String>,
    parsed: u32,
}

impl Service {
    /// Takes the whole metadata apart into documents.
    fn load(metadata: &[u8]) -> Result<Self, serde_json::Error> {
        let mut metadata: Value = serde_json::from_slice(&receive(metadata))?;
        let mut documents = BTreeMap::new();
        if let Value::Array(packages) = metadata["packages"].take() {
            for package in packages {
                let name = format!("{}-{}", text(&package["name"]), text(&package["version"]));
                documents.insert(name, serde_json::to_vec(&package)?);
            }
        }
        Ok(Service { documents, cache: Vec::new(), responses: VecDeque::new(), parsed: 0 })
    }

    fn names(&self) -> Vec<String> {
        self.documents.keys().cloned().collect()
    }

    fn handle(&mut self, body: &[u8]) -> Result<String, serde_json::Error> {
        let body = receive(body);
        match serde_json::from_slice(&body)? {
            Request::Fetch { package, members } => self.fetch(&package, &members),
            Request::Summarise { package } => self.summarise(&package),
            Request::Edit { package, patch, remove, rename, drop_tests } => {
                let mut document = self.document(&package)?.clone();
                edit(&mut document, patch, &remove, &rename);
                if drop_tests {
                    without_tests(&mut document);
                }
                self.store(&package, document)
            }
            Request::Search { keyword, limit } => self.search(&keyword, limit),
            Request::Dependents { package } => self.dependents(&package),
        }
    }

    /// Keeps a response for a while, as a log or a retry would need it.
    fn keep(&mut self, response: String) {
        self.responses.push_back(response);
        if self.responses.len() > KEPT_RESPONSES {
            self.responses.pop_front();
        }
    }

    /// The parsed document, from the cache where it is there.
    fn document(&mut self, name: &str) -> Result<&Value, serde_json::Error> {
        let entry = match self.cache.iter().position(|(cached, _)| cached == name) {
            Some(index) => self.cache.remove(index),
            None => {
                self.parsed += 1;
                if self.cache.len() == CACHED_DOCUMENTS {
                    self.cache.remove(0);
                }
                let document = self.documents.get(name).map_or(Ok(Value::Null), |text| serde_json::from_slice(text))?;
                (name.to_owned(), document)
            }
        };
        self.cache.push(entry);
        Ok(&self.cache[self.cache.len() - 1].1)
    }

    fn fetch(&mut self, package: &str, members: &[String]) -> Result<String, serde_json::Error> {
        let document = self.document(package)?;
        let found: Map<String, Value> =
            members.iter().filter_map(|member| Some((member.clone(), document.get(member)?.clone()))).collect();
        serde_json::to_string(&json!({ "package": package, "found": found }))
    }

    fn summarise(&mut self, package: &str) -> Result<String, serde_json::Error> {
        let Some(text) = self.documents.get(package) else {
            return serde_json::to_string(&json!({ "unknown": package }));
        };
        let package: Package<'_> = serde_json::from_slice(text)?;
        self.parsed += 1;
        let mut targets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for target in &package.targets {
            for kind in &target.kind {
                targets.entry(kind).or_default().push(&target.name);
            }
        }
        let needed = |dependency: &&Dependency<'_>| dependency.kind.is_none() && !dependency.optional;
        let optional = package.dependencies.iter().filter(|dependency| dependency.optional);
        serde_json::to_string(&Summary {
            name: package.name,
            version: &package.version,
            license: package.license.as_deref(),
            required: package.dependencies.iter().filter(needed).map(|it| (it.name, it.req.as_str())).collect(),
            optional: optional.map(|dependency| dependency.name).collect(),
            features: package.features.iter().map(|(name, enabled)| (name.as_str(), enabled.len())).collect(),
            targets,
            longest_path: package.targets.iter().map(|target| target.src_path.as_str()).max_by_key(|path| path.len()),
        })
    }

    /// Stores an edited document, readable, and answers with it.
    fn store(&mut self, package: &str, document: Value) -> Result<String, serde_json::Error> {
        let text = serde_json::to_string_pretty(&document)?;
        self.documents.insert(package.to_owned(), text.clone().into_bytes());
        self.cache.retain(|(cached, _)| cached != package);
        self.cache.push((package.to_owned(), document));
        if self.cache.len() > CACHED_DOCUMENTS {
            self.cache.remove(0);
        }
        Ok(text)
    }

    /// Parses every document to look at a few members of it: the expensive request, and a rare one.
    fn search(&mut self, keyword: &str, limit: usize) -> Result<String, serde_json::Error> {
        let mut hits = Vec::new();
        for text in self.documents.values() {
            let package: Package<'_> = serde_json::from_slice(text)?;
            self.parsed += 1;
            let worth = package.keywords.iter().filter(|it| it.contains(keyword)).count();
            if worth > 0 || package.features.contains_key(keyword) {
                hits.push((
                    worth,
                    json!({ "name": package.name, "version": package.version, "keywords": package.keywords }),
                ));
            }
        }
        hits.sort_by_key(|(worth, _)| usize::MAX - worth);
        hits.truncate(limit);
        serde_json::to_string_pretty(&hits)
    }

    fn dependents(&mut self, package: &str) -> Result<String, serde_json::Error> {
        #[derive(Deserialize)]
        struct Edges<'a> {
            name: &'a str,
            #[serde(borrow)]
            dependencies: Vec<Edge<'a>>,
        }
        #[derive(Deserialize)]
        struct Edge<'a> {
            name: &'a str,
        }
        let mut dependents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for text in self.documents.values() {
            let edges: Edges<'_> = serde_json::from_slice(text)?;
            for edge in edges.dependencies {
                dependents.entry(edge.name).or_default().push(edges.name);
            }
        }
        let name = package.rsplit_once('-').map_or(package, |(name, _)| name);
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        let mut next = VecDeque::from([(name, 0)]);
        while let Some((name, depth)) = next.pop_front() {
            for &dependent in dependents.get(name).into_iter().flatten() {
                found.entry(dependent).or_insert_with(|| {
                    next.push_back((dependent, depth + 1));
                    depth + 1
                });
            }
        }
        serde_json::to_string(&json!({ "package": name, "dependents": found }))
    }
}

/// Applies an edit to a document: members removed, renamed, and merged in.
fn edit(document: &mut Value, patch: Value, remove: &[String], rename: &BTreeMap<String, String>) {
    let Value::Object(members) = document else { return };
    for member in remove {
        members.remove(member);
    }
    for (old, new) in rename {
        if let Some(value) = members.remove(old) {
            members.insert(new.clone(), value);
        }
    }
    merge(document, patch);
}

/// Merges a patch as RFC 7396 has it: objects member by member, null removes, all else replaces.
fn merge(document: &mut Value, patch: Value) {
    match (document, patch) {
        (Value::Object(members), Value::Object(patch)) => {
            for (key, change) in patch {
                match change {
                    Value::Null => drop(members.remove(&key)),
                    change => merge(members.entry(key).or_insert(Value::Null), change),
                }
            }
        }
        (document, patch) => *document = patch,
    }
}

fn without_tests(document: &mut Value) {
    if let Some(Value::Array(targets)) = document.get_mut("targets") {
        targets.retain(|target| target["test"] != Value::Bool(true) || target["kind"][0] == "lib");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The clients: which request comes next.
struct Clients {
    state: u64,
    names: Vec<String>,
}

impl Clients {
    /// A number below `limit`, from a fixed sequence (xorshift).
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % limit as u64) as usize
    }

    /// A package. Some are asked for far more often than others.
    fn package(&mut self) -> String {
        let most = 1 + self.below(self.names.len());
        let index = self.below(most);
        self.names[index].clone()
    }

    /// The body of a request. A client's own memory is not the service's, but a client in the same program is a load test as
    /// people write it, and its share is small.
    fn request(&mut self, number: u32) -> Result<Vec<u8>, serde_json::Error> {
        let package = self.package();
        serde_json::to_vec(&match self.below(100) {
            0..50 => {
                const MEMBERS: [&str; 5] = ["name", "dependencies", "features", "metadata", "targets"];
                let count = 1 + self.below(MEMBERS.len() - 1);
                let members = (0..count).map(|_| MEMBERS[self.below(MEMBERS.len())].to_owned()).collect();
                Request::Fetch { package, members }
            }
            50..75 => Request::Summarise { package },
            75..97 => Request::Edit {
                package,
                patch: json!({
                    "metadata": { "reviewed": { "request": number, "by": format!("client {}", number % 7) } },
                    "keywords": (0..self.below(8)).map(|it| format!("keyword {it}")).collect::<Vec<_>>(),
                    "homepage": if number.is_multiple_of(3) { Value::Null } else { json!("https://example.org/") },
                }),
                remove: ["documentation", "links"].map(str::to_owned).to_vec(),
                rename: BTreeMap::from([("repository".to_owned(), "source_repository".to_owned())]),
                drop_tests: number.is_multiple_of(4),
            },
            97..99 => Request::Dependents { package },
            _ => Request::Search { keyword: ["std", "parser", "keyword 3"][self.below(3)].to_owned(), limit: 20 },
        })
    }
}

//! `http-router`: an HTTP/1.1 service with many connections at once, on httparse and matchit.
//!
//! Requests arrive in pieces, and the connections take turns, so that what belongs to one request lies between what belongs to
//! others. A request is parsed into a map of owned headers, routed, and answered from sessions and notes that users have stored,
//! which live across requests until they expire. One thread: the event loop of such services.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;

use matchit::Router;
use workloads::Sequence;

workloads::allocator!("http-router.htrace");

const TURNS: u32 = 8_000;
const CONNECTIONS: usize = 48;
const SESSIONS: usize = 300;

#[derive(Clone, Copy)]
enum Handler {
    Home,
    Login,
    Note,
    Notes,
    Static,
}

/// A connection: what has arrived, what is still to be sent by the client, and what goes back.
#[derive(Default)]
struct Connection {
    received: Vec<u8>,
    to_come: VecDeque<u8>,
    response: Vec<u8>,
    served: u32,
}

struct Request {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

struct Session {
    user: String,
    notes: BTreeMap<u32, String>,
}

struct Service {
    router: Router<Handler>,
    sessions: BTreeMap<u64, Session>,
    /// The order in which sessions expire.
    expiry: VecDeque<u64>,
    next_session: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut router = Router::new();
    router.insert("/", Handler::Home)?;
    router.insert("/login/{user}", Handler::Login)?;
    router.insert("/notes", Handler::Notes)?;
    router.insert("/notes/{number}", Handler::Note)?;
    router.insert("/static/{*path}", Handler::Static)?;
    let mut service = Service { router, sessions: BTreeMap::new(), expiry: VecDeque::new(), next_session: 1 };
    let mut clients = Sequence::new(13);
    let mut connections: Vec<Connection> = Vec::new();
    connections.resize_with(CONNECTIONS, Connection::default);
    let (mut served, mut sent_bytes) = (0, 0);
    for _ in 0..TURNS {
        let connection = &mut connections[clients.below(CONNECTIONS)];
        if connection.to_come.is_empty() {
            connection.to_come.extend(request(&mut clients, service.next_session));
        }
        let piece = (100 + clients.below(500)).min(connection.to_come.len());
        connection.received.extend(connection.to_come.drain(..piece));
        if let Some(request) = parse(&mut connection.received)? {
            connection.response.extend(service.handle(&request));
            connection.served += 1;
            served += 1;
        }
        // What was answered is sent when the socket takes it.
        if connection.response.len() > 2000 || clients.below(4) == 0 {
            sent_bytes += connection.response.len();
            connection.response.clear();
        }
        // Clients hang up, and others come.
        if connection.served > 20 {
            *connection = Connection::default();
        }
    }
    println!("{served} requests, {sent_bytes} bytes sent, {} sessions opened", service.next_session - 1);
    Ok(())
}

/// Takes a whole request from the front of what has been received, if one is there.
fn parse(received: &mut Vec<u8>) -> Result<Option<Request>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; 24];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = parsed.parse(received)? else { return Ok(None) };
    let headers: BTreeMap<String, String> = parsed
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    if received.len() < head + length {
        return Ok(None);
    }
    let method = parsed.method.unwrap_or_default().to_owned();
    let target = parsed.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query =
        query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decoded(name), decoded(value)));
    let request = Request {
        method,
        path: decoded(path),
        query: query.collect(),
        headers,
        body: received[head..head + length].to_vec(),
    };
    received.drain(..head + length);
    Ok(Some(request))
}

/// Text without its percent signs.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap_or(b'?'));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Service {
    fn handle(&mut self, request: &Request) -> Vec<u8> {
        let Ok(route) = self.router.at(&request.path) else { return response(404, "text/plain", b"not found") };
        let session = request.headers.get("cookie").and_then(|cookie| cookie.strip_prefix("session=")?.parse().ok());
        let session = session.and_then(|number: u64| self.sessions.get_mut(&number));
        match (route.value, session) {
            (Handler::Home, session) => {
                let name = session.map_or("stranger", |session| &session.user);
                response(200, "text/html", format!("<h1>Hello, {name}</h1>").as_bytes())
            }
            (Handler::Login, _) => {
                let user = route.params.get("user").unwrap_or_default().to_owned();
                self.sessions.insert(self.next_session, Session { user, notes: BTreeMap::new() });
                self.expiry.push_back(self.next_session);
                self.next_session += 1;
                if self.expiry.len() > SESSIONS
                    && let Some(oldest) = self.expiry.pop_front()
                {
                    self.sessions.remove(&oldest);
                }
                response(204, "text/plain", b"")
            }
            (Handler::Note, Some(session)) => {
                let number = route.params.get("number").and_then(|number| number.parse().ok()).unwrap_or(0);
                if request.method == "PUT" {
                    session.notes.insert(number, String::from_utf8_lossy(&request.body).into_owned());
                }
                response(200, "text/plain", session.notes.get(&number).map_or("", String::as_str).as_bytes())
            }
            (Handler::Notes, Some(session)) => {
                let wanted = request.query.get("contains").map_or("", String::as_str);
                let notes = session.notes.iter().filter(|(_, note)| note.contains(wanted));
                let lines: Vec<String> = notes.map(|(number, note)| format!("{number}: {note}")).collect();
                response(200, "text/plain", lines.join("\n").as_bytes())
            }
            (Handler::Static, _) => response(200, "text/css", &vec![b' '; 400 + 37 * request.path.len()]),
            (_, None) => response(401, "text/plain", b"log in first"),
        }
    }
}

fn response(status: u16, kind: &str, body: &[u8]) -> Vec<u8> {
    let mut response =
        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    response.extend_from_slice(body);
    response
}

/// What a client sends next.
fn request(clients: &mut Sequence, next_session: u64) -> Vec<u8> {
    let number = clients.mostly_low(40);
    let (method, target, body) = match clients.below(20) {
        0..3 => ("GET", "/".to_owned(), 0),
        3..5 => ("POST", format!("/login/user%20{}", clients.below(900)), 0),
        5..11 => ("PUT", format!("/notes/{number}"), 20 + clients.mostly_low(1500)),
        11..14 => ("GET", format!("/notes/{number}"), 0),
        14..16 => ("GET", "/notes?contains=word%207&order=new+first".to_owned(), 0),
        16..19 => ("GET", format!("/static/style/{}.css", "theme-".repeat(1 + clients.below(8))), 0),
        _ => ("GET", "/nowhere".to_owned(), 0),
    };
    let session = next_session.saturating_sub(1 + clients.mostly_low(SESSIONS) as u64);
    let body: String = (0..).flat_map(|word| format!("word {word} ").into_bytes()).take(body).map(char::from).collect();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: notes.example.org\r\nUser-Agent: load-test/1.0\r\nAccept: text/html,text/plain;q=0.9\r\n\
         Accept-Language: en\r\nCookie: session={session}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

//! `template-serverless`: a function that is started for a request, renders a page with MiniJinja, and is thrown away.
//!
//! A cold start compiles all templates. The instance then answers the few requests that come before the platform stops it: parse
//! the event, build the context, render, encode the response. At the end everything goes at once, and the next instance starts in
//! what the last one left: the pattern of a host that runs many short-lived guests in one heap.

use std::collections::BTreeMap;
use std::error::Error;

use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::{Deserialize, Serialize};
use workloads::Sequence;

workloads::allocator!("template-serverless.htrace");

const INSTANCES: u32 = 70;

const LAYOUT: &str = r#"<!doctype html>
<html lang="en"><head><title>{% block title %}{% endblock %} - Shop</title></head>
<body><nav>{% for link in links %}<a href="/{{ link }}"{% if link == here %} class="here"{% endif %}>{{ link|title }}</a>{% endfor %}</nav>
<main>{% block body %}{% endblock %}</main><footer>request {{ request_id }}</footer></body></html>"#;

const LIST: &str = r#"{% extends "layout.html" %}{% import "macros.html" as m %}
{% block title %}{{ items|length }} articles{% endblock %}
{% block body %}<ul>{% for item in items|sort(attribute="price") if item.stock > 0 %}
<li id="{{ loop.index }}">{{ m.price(item.name, item.price) }}{% for tag in item.tags %} <i>{{ tag|upper }}</i>{% endfor %}</li>
{% else %}<li>nothing</li>{% endfor %}</ul>
<p>{{ items|map(attribute="price")|sum }} in all, {{ items|selectattr("stock")|list|length }} in stock</p>{% endblock %}"#;

const CART: &str = r#"{% extends "layout.html" %}{% import "macros.html" as m %}
{% block title %}Cart of {{ user.name|default("a guest", true) }}{% endblock %}
{% block body %}{% set total = namespace(sum=0) %}<table>{% for item in items|batch(4)|first %}
{% set total.sum = total.sum + item.price * 2 %}<tr><td>{{ m.price(item.name, item.price) }}<td>{{ item.tags|join(", ") }}</tr>
{% endfor %}</table><b>{{ total.sum }}</b>{% include "address.html" %}{% endblock %}"#;

const ADDRESS: &str = r#"<address>{% for line in user.address|default([]) %}{{ line }}<br>{% endfor %}</address>"#;

const MACROS: &str = r#"{% macro price(name, cents) %}<span title="{{ name }}">{{ name }}: {{ cents // 100 }}.{{ "0" if cents % 100 < 10 }}{{ cents % 100 }}</span>{% endmacro %}"#;

/// What the platform hands over, as JSON.
#[derive(Serialize, Deserialize)]
struct Call {
    id: String,
    path: String,
    headers: BTreeMap<String, String>,
    query: BTreeMap<String, String>,
    user: Option<User>,
}

#[derive(Serialize, Deserialize)]
struct User {
    name: String,
    address: Vec<String>,
}

#[derive(Serialize)]
struct Article {
    name: String,
    price: u64,
    stock: usize,
    tags: Vec<&'static str>,
}

/// What the platform gets back, as JSON.
#[derive(Serialize)]
struct Answer {
    status: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut world = Sequence::new(23);
    let (mut answered, mut bytes) = (0, 0);
    for instance in 0..INSTANCES {
        let environment = start()?;
        for _ in 0..=world.mostly_low(12) {
            let call = call(&mut world, instance)?;
            bytes += handle(&environment, &call, &mut world)?.len();
            answered += 1;
        }
    }
    println!("{INSTANCES} instances, {answered} requests, {bytes} bytes of responses");
    Ok(())
}

/// A cold start.
fn start() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    let templates = [
        ("layout.html", LAYOUT),
        ("list.html", LIST),
        ("cart.html", CART),
        ("address.html", ADDRESS),
        ("macros.html", MACROS),
    ];
    for (name, text) in templates {
        environment.add_template(name, text)?;
    }
    Ok(environment)
}

fn handle(environment: &Environment<'_>, call: &[u8], shelf: &mut Sequence) -> Result<Vec<u8>, Box<dyn Error>> {
    let call: Call = serde_json::from_slice(call)?;
    let limit = call.query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
    let page = environment.get_template(if call.path == "/cart" { "cart.html" } else { "list.html" })?;
    let body = page.render(context! {
        links => ["articles", "cart", "help"],
        here => call.path.trim_start_matches('/'),
        request_id => call.id,
        user => Serde(&call.user),
        items => Serde(&articles(shelf, limit)),
    })?;
    let headers = BTreeMap::from([
        ("content-type", "text/html; charset=utf-8".to_owned()),
        ("content-length", body.len().to_string()),
        ("x-agent", call.headers.get("user-agent").cloned().unwrap_or_default()),
    ]);
    Ok(serde_json::to_vec(&Answer { status: 200, headers, body })?)
}

/// What a database would answer.
fn articles(shelf: &mut Sequence, count: usize) -> Vec<Article> {
    const WORDS: [&str; 8] = ["wooden", "chair", "small", "lamp & shade", "of", "two-seat", "sofa", "everlasting"];
    const TAGS: [&str; 5] = ["new", "sale", "last <3", "sturdy", "light"];
    let article = |_| Article {
        name: (0..=shelf.below(4)).map(|_| WORDS[shelf.below(WORDS.len())]).collect::<Vec<_>>().join(" "),
        price: 100 + shelf.mostly_low(90_000) as u64,
        stock: shelf.below(6),
        tags: (0..=shelf.below(3)).map(|_| TAGS[shelf.below(TAGS.len())]).collect(),
    };
    (0..count).map(article).collect()
}

/// The next call, as the platform encodes it.
fn call(world: &mut Sequence, instance: u32) -> Result<Vec<u8>, serde_json::Error> {
    let user = (world.below(3) == 0).then(|| User {
        name: format!("user {}", world.below(50)),
        address: vec![format!("{} Long Street", world.below(200)), "12345 Town".to_owned()],
    });
    serde_json::to_vec(&Call {
        id: format!("{instance:04x}-{:08x}", world.below(1 << 30)),
        path: ["/articles", "/articles", "/cart"][world.below(3)].to_owned(),
        headers: [("user-agent", "load test"), ("accept", "text/html,*/*"), ("host", "shop.example.org")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        query: BTreeMap::from([("limit".to_owned(), (5 + world.mostly_low(60)).to_string())]),
        user,
    })
}

//! `path-finder`: a route planner over a street map that changes, with petgraph.
//!
//! A map of junctions and streets is made, drawn so that some streets are fast and some are missing. Travellers ask for routes; a
//! search keeps what it has seen in tables and a heap that double while it spreads, and drops all of them with the answer. Streets
//! are closed and opened in between, and routes that were found are kept for those who ask again.

use std::collections::BTreeMap;

use petgraph::algo::{astar, dijkstra};
use petgraph::graph::{NodeIndex, UnGraph};
use petgraph::visit::{Bfs, EdgeRef};
use workloads::Sequence;

workloads::allocator!("path-finder.htrace");

const WIDTH: usize = 70;
const REQUESTS: u32 = 1_400;
const KEPT_ROUTES: usize = 220;

struct Junction {
    name: String,
    x: i32,
    y: i32,
}

struct Street {
    metres: u32,
    /// Metres a minute.
    speed: u32,
}

struct Route {
    minutes: u32,
    directions: Vec<String>,
}

type Map = UnGraph<Junction, Street>;

fn main() {
    let mut world = Sequence::new(17);
    let mut map = draw(&mut world);
    // By the places that they lead from and to, with the request that asked for them last.
    let mut kept: BTreeMap<(usize, usize), (u32, Route)> = BTreeMap::new();
    let (mut found, mut again, mut unreachable, mut minutes) = (0, 0, 0, 0);
    for request in 0..REQUESTS {
        // Most come from a few places, and go to even fewer.
        let from = NodeIndex::new(world.mostly_low(200) * 41 % map.node_count());
        let to = NodeIndex::new(world.mostly_low(20) * 157 % map.node_count());
        match world.below(40) {
            0 => change(&mut map, &mut world, &mut kept),
            1 => {
                let _ = reachable(&map, from, 10 + world.below(10) as u32);
            }
            _ => match kept.get_mut(&(from.index(), to.index())) {
                Some((last, route)) => {
                    *last = request;
                    again += 1;
                    minutes += route.minutes;
                }
                None => match route(&map, from, to) {
                    Some(route) => {
                        found += 1;
                        minutes += route.minutes;
                        kept.insert((from.index(), to.index()), (request, route));
                    }
                    None => unreachable += 1,
                },
            },
        }
        if kept.len() > KEPT_ROUTES {
            // The older half goes.
            let mut ages: Vec<u32> = kept.values().map(|&(last, _)| last).collect();
            ages.sort_unstable();
            let middle = ages[ages.len() / 2];
            kept.retain(|_, &mut (last, _)| last >= middle);
        }
    }
    println!("{found} routes found, {again} asked for again, {unreachable} impossible, {minutes} minutes in all");
}

/// A town: a grid of streets, of which some are missing, with ring roads.
fn draw(world: &mut Sequence) -> Map {
    let mut map = Map::default();
    for number in 0..WIDTH * WIDTH {
        let (x, y) = ((number % WIDTH) as i32, (number / WIDTH) as i32);
        let name = format!("{} {}", ["Mill", "Church", "Harbour", "Old Garden"][world.below(4)], number);
        map.add_node(Junction { name, x: x * 100, y: y * 100 });
    }
    for number in 0..WIDTH * WIDTH {
        let ring = number / WIDTH % 20 == 10;
        let street = |world: &mut Sequence| Street {
            metres: 100 + world.below(60) as u32,
            speed: if ring { 1200 } else { 500 },
        };
        if number % WIDTH + 1 < WIDTH && (ring || world.below(8) > 0) {
            map.add_edge(NodeIndex::new(number), NodeIndex::new(number + 1), street(world));
        }
        if number + WIDTH < WIDTH * WIDTH && world.below(8) > 0 {
            map.add_edge(NodeIndex::new(number), NodeIndex::new(number + WIDTH), street(world));
        }
    }
    map
}

/// The seconds that a street takes.
fn seconds(street: &Street) -> u32 {
    street.metres * 60 / street.speed
}

/// The fastest way, with what to do at each junction.
fn route(map: &Map, from: NodeIndex, to: NodeIndex) -> Option<Route> {
    let goal = &map[to];
    let at_least = |at: NodeIndex| {
        let metres = map[at].x.abs_diff(goal.x) + map[at].y.abs_diff(goal.y);
        metres * 60 / 1200
    };
    let (total, junctions) = astar(map, from, |at| at == to, |street| seconds(street.weight()), at_least)?;
    let mut directions = Vec::new();
    for turn in junctions.windows(3) {
        let [before, here, after] = [&map[turn[0]], &map[turn[1]], &map[turn[2]]];
        let cross = (here.x - before.x) * (after.y - here.y) - (here.y - before.y) * (after.x - here.x);
        if cross != 0 {
            directions.push(format!("turn {} at {}", if cross > 0 { "right" } else { "left" }, here.name));
        }
    }
    directions.push(format!("arrive at {}", goal.name));
    Some(Route { minutes: total / 60, directions })
}

/// What can be reached within some minutes, farthest first.
fn reachable(map: &Map, from: NodeIndex, minutes: u32) -> Vec<String> {
    let reached = dijkstra(map, from, None, |street| seconds(street.weight()));
    let mut reached: Vec<_> = reached.into_iter().filter(|&(_, seconds)| seconds <= minutes * 60).collect();
    reached.sort_unstable_by_key(|&(at, seconds)| (u32::MAX - seconds, at));
    reached.iter().map(|&(at, seconds)| format!("{}: {} min", map[at].name, seconds / 60)).collect()
}

/// Streets around a place are closed, and others opened; the routes that led through there are forgotten.
fn change(map: &mut Map, world: &mut Sequence, kept: &mut BTreeMap<(usize, usize), (u32, Route)>) {
    let place = NodeIndex::new(world.below(map.node_count()));
    let mut around = Bfs::new(&*map, place);
    let near: Vec<NodeIndex> = std::iter::from_fn(|| around.next(&*map)).take(30).collect();
    for &junction in &near {
        let closed =
            map.edges(junction).filter(|street| street.weight().metres % 5 == 0).map(|street| street.id()).next();
        if let Some(street) = closed {
            map.remove_edge(street);
        }
    }
    for pair in near.windows(2).step_by(4) {
        map.update_edge(pair[0], pair[1], Street { metres: 150 + world.below(50) as u32, speed: 700 });
    }
    let names: Vec<&str> = near.iter().map(|&junction| map[junction].name.as_str()).collect();
    kept.retain(|_, (_, route)| !route.directions.iter().any(|line| names.iter().any(|name| line.ends_with(name))));
}

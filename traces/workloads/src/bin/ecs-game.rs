//! `ecs-game`: the loop of a game whose world is held by hecs, an entity-component system.
//!
//! Entities of the same components lie in columns that grow by doubling. In every frame some are spawned, some get or lose a
//! component and so move to other columns, and some die with what they own: names, inventories, paths. Each frame gathers commands,
//! a grid of who is where, and events in lists of its own, which are gone when the frame is.

use std::collections::BTreeMap;

use hecs::{CommandBuffer, Entity, World};
use workloads::Sequence;

workloads::allocator!("ecs-game.htrace");

const FRAMES: u32 = 600;
const FIELD: i32 = 1000;

struct Place(i32, i32);
struct Speed(i32, i32);
struct Health(i32);
struct Name(String);
struct Inventory(Vec<Item>);
struct Burning(u32);
struct Path(Vec<(i32, i32)>);
struct Thought(Box<dyn Fn(i32) -> i32 + Send + Sync>);

struct Item {
    kind: &'static str,
    inscription: Option<String>,
}

fn main() {
    let mut world = World::new();
    let mut dice = Sequence::new(19);
    let mut log = Vec::new();
    for frame in 0..FRAMES {
        spawn(&mut world, &mut dice, frame);
        walk(&mut world);
        let grid = grid(&world);
        let mut commands = CommandBuffer::new();
        meet(&world, &grid, &mut commands, &mut dice, &mut log);
        burn(&mut world, &mut commands, &mut log);
        plan(&world, &mut commands, &mut dice);
        commands.run_on(&mut world);
        // The last lines are on the screen.
        let old = log.len().saturating_sub(40);
        log.drain(..old);
    }
    println!("{FRAMES} frames, {} entities at the end; last: {}", world.len(), log.last().map_or("", String::as_str));
}

/// New ones come in waves: creatures, sparks, and now and then a chest.
fn spawn(world: &mut World, dice: &mut Sequence, frame: u32) {
    let place = |dice: &mut Sequence| Place(dice.below(FIELD as usize) as i32, dice.below(FIELD as usize) as i32);
    for _ in 0..if frame % 100 < 30 { 8 } else { 2 } {
        let speed = Speed(dice.below(9) as i32 - 4, dice.below(9) as i32 - 4);
        let name = Name(format!("{} {}", ["orc", "bat", "wandering knight"][dice.below(3)], dice.below(1000)));
        let weight = dice.below(5) as i32;
        let thought = Thought(Box::new(move |distance| distance * weight));
        world.spawn((place(dice), speed, Health(20 + dice.below(60) as i32), name, Inventory(Vec::new()), thought));
    }
    world.spawn_batch((0..dice.below(12)).map(|_| (place(dice), Speed(1, 1), Burning(10))).collect::<Vec<_>>());
    if frame.is_multiple_of(5) {
        let items = (0..=dice.below(6)).map(|_| item(dice)).collect();
        world.spawn((place(dice), Inventory(items)));
    }
}

fn item(dice: &mut Sequence) -> Item {
    let inscription = (dice.below(3) == 0).then(|| format!("forged in the year {}", dice.below(900)));
    Item { kind: ["sword", "shield", "apple"][dice.below(3)], inscription }
}

fn walk(world: &mut World) {
    for (place, speed, path) in world.query_mut::<(&mut Place, &Speed, Option<&mut Path>)>() {
        let (x, y) = path.and_then(|path| path.0.pop()).unwrap_or((place.0 + speed.0, place.1 + speed.1));
        *place = Place(x.rem_euclid(FIELD), y.rem_euclid(FIELD));
    }
}

/// Who is in which square, made anew in each frame.
fn grid(world: &World) -> BTreeMap<(i32, i32), Vec<Entity>> {
    let mut grid: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (entity, place) in world.query::<(Entity, &Place)>().iter() {
        grid.entry((place.0 / 50, place.1 / 50)).or_default().push(entity);
    }
    grid
}

/// Creatures in one square fight, and open the chests that they find.
fn meet(
    world: &World,
    grid: &BTreeMap<(i32, i32), Vec<Entity>>,
    commands: &mut CommandBuffer,
    dice: &mut Sequence,
    log: &mut Vec<String>,
) {
    for pair in grid.values().flat_map(|square| square.windows(2)) {
        let (Ok(mut victim), Ok(name)) = (world.get::<&mut Health>(pair[0]), world.get::<&Name>(pair[1])) else {
            let chest = world.satisfies::<hecs::Without<&Inventory, &Speed>>(pair[0]);
            if let (true, Ok(mut finds)) = (chest, world.get::<&mut Inventory>(pair[1])) {
                finds.0.push(item(dice));
            }
            continue;
        };
        victim.0 -= 1 + dice.below(7) as i32;
        if victim.0 <= 0 {
            let loot = world.get::<&Inventory>(pair[0]).map_or(0, |inventory| {
                inventory.0.iter().map(|item| item.kind.len() + item.inscription.as_ref().map_or(0, String::len)).sum()
            });
            log.push(format!("{} wins, and {loot} of loot", name.0));
            commands.despawn(pair[0]);
        } else if dice.below(20) == 0 {
            commands.insert_one(pair[0], Burning(1 + dice.below(20) as u32));
        }
    }
}

/// Fires burn down; what has health suffers, all else vanishes with its fire.
fn burn(world: &mut World, commands: &mut CommandBuffer, log: &mut Vec<String>) {
    for (entity, fire, health) in world.query_mut::<(Entity, &mut Burning, Option<&mut Health>)>() {
        fire.0 = fire.0.saturating_sub(1);
        match health {
            Some(health) => {
                health.0 -= 1;
                if fire.0 == 0 {
                    log.push(format!("a fire is out, {} left", health.0));
                    commands.remove_one::<Burning>(entity);
                }
            }
            None if fire.0 == 0 => commands.despawn(entity),
            None => {}
        }
    }
}

/// Those who stand idle think of a way; those who have gone it forget it.
fn plan(world: &World, commands: &mut CommandBuffer, dice: &mut Sequence) {
    for (entity, place, thought, path) in world.query::<(Entity, &Place, &Thought, Option<&Path>)>().iter() {
        match path {
            Some(path) if path.0.is_empty() => commands.remove_one::<Path>(entity),
            None if dice.below(30) == 0 => {
                let steps = 4 + thought.0(dice.below(12) as i32);
                commands.insert_one(entity, Path((0..steps).map(|step| (place.0 - step, place.1 + step)).collect()));
            }
            _ => {}
        }
    }
}

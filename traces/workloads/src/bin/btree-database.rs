//! `btree-database`: an order book on the embedded database redb, in memory.
//!
//! Transactions insert, change and delete rows in two tables and an index, and readers walk over ranges meanwhile, on a snapshot of
//! their own. redb keeps copy-on-write B-trees in pages of 4 KiB: each transaction allocates a page for every page that it changes,
//! and what is freed depends on the readers that are still there. The store below it is one buffer that grows.

use std::error::Error;

use redb::backends::InMemoryBackend;
use redb::{Database, MultimapTableDefinition, ReadableTable, TableDefinition};
use workloads::Sequence;

workloads::allocator!("btree-database.htrace");

const ORDERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("orders");
const CUSTOMERS: TableDefinition<'_, &str, u64> = TableDefinition::new("customers");
const BY_CUSTOMER: MultimapTableDefinition<'_, &str, u64> = MultimapTableDefinition::new("orders by customer");

const TRANSACTIONS: u64 = 160;
const CUSTOMER_COUNT: usize = 400;

fn main() -> Result<(), Box<dyn Error>> {
    let database = Database::builder().set_cache_size(1 << 20).create_with_backend(InMemoryBackend::new())?;
    let mut world = Sequence::new(41);
    let mut next_order = 0;
    let mut reports = Vec::new();
    for transaction in 0..TRANSACTIONS {
        let reader = if transaction % 4 == 3 { Some(database.begin_read()?) } else { None };
        next_order = change(&database, &mut world, next_order)?;
        // The reader does not see what was changed since it began, and old pages stay as long as it does.
        if let Some(reader) = reader {
            let mut report = String::new();
            let orders = reader.open_table(ORDERS)?;
            let from = world.below(next_order as usize) as u64;
            for row in orders.range(from..from + 60)? {
                let (number, order) = row?;
                report.push_str(&format!("{}: {} bytes\n", number.value(), order.value().len()));
            }
            reports.push(report);
        }
    }
    let reader = database.begin_read()?;
    let spent = reader.open_table(CUSTOMERS)?;
    let mut best = Vec::new();
    for row in spent.iter()? {
        let (name, cents) = row?;
        best.push((cents.value(), name.value().to_owned()));
    }
    best.sort();
    println!(
        "{next_order} orders in {TRANSACTIONS} transactions, {} customers, {} bytes of reports",
        best.len(),
        reports.iter().map(String::len).sum::<usize>()
    );
    Ok(())
}

/// One transaction: new orders, some changed, some deleted. Gives the number of the next order.
fn change(database: &Database, world: &mut Sequence, mut next_order: u64) -> Result<u64, Box<dyn Error>> {
    let transaction = database.begin_write()?;
    {
        let mut orders = transaction.open_table(ORDERS)?;
        let mut customers = transaction.open_table(CUSTOMERS)?;
        let mut by_customer = transaction.open_multimap_table(BY_CUSTOMER)?;
        for _ in 0..4 + world.below(12) {
            let customer = format!("customer-{:05}", world.mostly_low(CUSTOMER_COUNT) * 7919 % 100_003);
            let order = encode(&customer, world);
            orders.insert(next_order, order.as_slice())?;
            by_customer.insert(customer.as_str(), next_order)?;
            let spent = customers.get(customer.as_str())?.map_or(0, |cents| cents.value());
            customers.insert(customer.as_str(), spent + order.len() as u64)?;
            next_order += 1;
        }
        for _ in 0..world.below(6) {
            let number = world.below(next_order as usize) as u64;
            let old = orders.get(number)?.map(|order| order.value().to_vec());
            let Some(mut order) = old else { continue };
            match world.below(3) {
                0 => {
                    let end = order.iter().position(|&byte| byte == b'\n').unwrap_or(0);
                    by_customer.remove(std::str::from_utf8(&order[..end])?, number)?;
                    orders.remove(number)?;
                }
                _ => {
                    order.extend_from_slice(b"changed\n");
                    orders.insert(number, order.as_slice())?;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(next_order)
}

/// An order as a row: the customer, and a line for each article.
fn encode(customer: &str, world: &mut Sequence) -> Vec<u8> {
    let mut row = format!("{customer}\n");
    for _ in 0..=world.mostly_low(9) {
        row.push_str(&format!("{} x article {:04}\n", 1 + world.below(5), world.mostly_low(3000)));
    }
    row.into_bytes()
}

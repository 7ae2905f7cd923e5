//! The order in which tables can be filled.

use super::Table;

/// Each table after those that it refers to; else in the order that they are in.
pub(in crate::database) fn parents_first(mut tables: Vec<Table>) -> Vec<Table> {
    let mut ordered: Vec<Table> = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let waits = |table: &Table| {
            let still_to_come =
                |parent: &str| parent != table.name && tables.iter().any(|other| other.name == parent);
            table.references.iter().any(|reference| still_to_come(&reference.table))
        };
        // Tables that refer to each other in a circle are taken as they come: the engine refuses what cannot be.
        let next = tables.iter().position(|table| !waits(table)).unwrap_or(0);
        ordered.push(tables.remove(next));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::schema::Reference;

    fn table(name: &str, parents: &[&str]) -> Table {
        let reference = |parent: &&str| Reference {
            column: format!("{parent}_id"),
            table: (*parent).to_owned(),
            referenced: "id".to_owned(),
        };
        let references = parents.iter().map(reference).collect();
        Table { name: name.to_owned(), columns: vec![], indexes: vec![], references }
    }

    #[test]
    fn parents_come_first() {
        let tables =
            vec![table("a", &["c", "a"]), table("b", &[]), table("c", &["b"]), table("d", &["elsewhere"])];
        let ordered = parents_first(tables).into_iter().map(|table| table.name).collect::<Vec<_>>();
        assert_eq!(ordered, ["b", "c", "a", "d"]);
        let circle = parents_first(vec![table("a", &["b"]), table("b", &["a"])]);
        assert_eq!(circle.len(), 2);
    }
}

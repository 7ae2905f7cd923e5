//! Locks on what is no row: each has a row of its own, in the table `locks`.

use sea_query::{Expr, ExprTrait, Iden, LockType, Query, SelectStatement};

use crate::database::{DatabaseError, Transaction};

/// What only one transaction does at a time, in all processes on a database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lock {
    /// Takes keys into use, or lets them go.
    Keys,
    /// Makes deliveries of events, or registers who gets them.
    Deliveries,
}

#[derive(Iden, Clone, Copy)]
enum Locks {
    Table,
    Name,
}

impl Lock {
    /// Waits until nobody else has it. The first statement of its transaction.
    pub(crate) async fn take(self, transaction: &mut Transaction) -> Result<(), DatabaseError> {
        transaction.lock(&self.select()).await
    }

    fn select(self) -> SelectStatement {
        let name = match self {
            Self::Keys => "keys",
            Self::Deliveries => "deliveries",
        };
        Query::select()
            .column(Locks::Name)
            .from(Locks::Table)
            .and_where(Expr::col(Locks::Name).eq(name))
            .lock(LockType::Update)
            .take()
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::database::{Database, Settings};
    use crate::plugin::migrations;

    /// Who locks no row waits for nobody.
    #[tokio::test]
    async fn each_has_its_row() {
        let folder = TempDir::new().unwrap();
        let database = Database::connect(&Settings::default(), &folder.path().join("test.db")).await.unwrap();
        database.migrate(&migrations(&[])).await.unwrap();
        for lock in [Lock::Keys, Lock::Deliveries] {
            let row: Option<(String,)> = database.fetch_optional(&lock.select()).await.unwrap();
            assert!(row.is_some(), "{lock:?}");
        }
    }
}

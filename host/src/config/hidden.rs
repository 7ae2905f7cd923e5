//! Settings as they may be shown.

use servertree_kernel::secrets::Key;

/// `scheme://user:***@host`: what comes before the password, and after it.
pub fn without_password(url: &str) -> String {
    let hidden = || {
        let (scheme, rest) = url.split_once("://")?;
        let (credentials, place) = rest.rsplit_once('@')?;
        let (user, _) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{place}"))
    };
    hidden().unwrap_or_else(|| url.to_owned())
}

/// Paths as they are, of keys all but their bytes.
pub fn without_keys(keys: &str) -> String {
    let shown = |entry: &str| match entry.trim().rsplit_once('.') {
        Some((name, _)) if Key::is_meant(name) => format!("{name}.***"),
        _ if Key::is_meant(entry.trim()) => "***".to_owned(),
        _ => entry.trim().to_owned(),
    };
    keys.split(',').map(shown).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_hidden() {
        assert_eq!(without_password("mysql://st:p@ss:w@db:3306/st"), "mysql://st:***@db:3306/st");
        assert_eq!(without_password("sqlite://data/servertree.db"), "sqlite://data/servertree.db");
    }
}

//! What files are called.

/// The length of a name that file systems take, in bytes.
const LONGEST_NAME: usize = 255;

crate::text! {
    /// What a file is called: names joined by `/`, the last of them the file's, the others those of its folders.
    ///
    /// A key names one place below the root, and each place has one key, on every file system and in stores that have
    /// no folders. So there is no `..`, no `.`, no empty name, no backslash, colon or space, nothing that begins or ends
    /// with a dot, and no upper case, which some file systems take for lower case and others do not.
    pub struct FileKey {
        length: 1..=1024,
        allows: |text: &str| text.split('/').all(is_name),
        rule: "names joined by '/', each of up to 255 of a-z, 0-9, '.', '_' and '-', with a letter or digit first and last",
        pattern: "^[a-z0-9]([a-z0-9._-]{0,253}[a-z0-9])?(/[a-z0-9]([a-z0-9._-]{0,253}[a-z0-9])?)*$",
        example: "exports/2026/servers.csv",
    }
}

impl FileKey {
    /// The names of the folders, from the root on.
    pub(super) fn folders(&self) -> impl Iterator<Item = &str> {
        let folders = self.as_str().rsplit_once('/').map(|(folders, _)| folders.split('/'));
        folders.into_iter().flatten()
    }

    /// The name of the file in its folder.
    pub(super) fn name(&self) -> &str {
        self.as_str().rsplit_once('/').map_or(self.as_str(), |(_, name)| name)
    }
}

fn is_name(name: &str) -> bool {
    let is_inner = |byte: u8| is_outer(byte) || matches!(byte, b'.' | b'_' | b'-');
    let bytes = name.as_bytes();
    bytes.len() <= LONGEST_NAME
        && bytes.first().copied().is_some_and(is_outer)
        && bytes.last().copied().is_some_and(is_outer)
        && bytes.iter().copied().all(is_inner)
}

fn is_outer(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path, PathBuf};

    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> Option<&'static str> {
        FileKey::parse(text.to_owned()).err().map(|invalid| invalid.code)
    }

    #[test]
    fn names_joined_by_slashes_are_keys() {
        let longest_name = "a".repeat(255);
        let longest = format!("{longest_name}/{longest_name}/{longest_name}/{}/b", "a".repeat(254));
        assert_eq!(longest.len(), 1024);
        for text in
            ["a", "7", "exports/2026/servers.csv", "a_b/c-d/e.tar.gz", "a..b", &longest_name, &longest]
        {
            assert_eq!(refusal(text), None, "{text}");
        }
        let key = FileKey::parse("exports/2026/servers.csv".to_owned()).unwrap();
        assert_eq!((key.folders().collect::<Vec<_>>(), key.name()), (vec!["exports", "2026"], "servers.csv"));
        let key = FileKey::parse("servers.csv".to_owned()).unwrap();
        assert_eq!((key.folders().count(), key.name()), (0, "servers.csv"));
    }

    #[test]
    fn whatever_escapes_or_is_ambiguous_is_refused() {
        for text in [
            "/",
            "/a",
            "//a",
            "a/",
            "a//b",
            "..",
            ".",
            "../a",
            "a/..",
            "a/../b",
            "a/./b",
            "./a",
            ".a",
            "a/.b",
            "a.",
            "a./b",
            "...",
            "\\",
            "a\\b",
            "..\\a",
            "c:",
            "c:/a",
            "c:\\a",
            "\\\\host\\a",
            "a\0",
            "a\0b",
            "a\nb",
            "a\tb",
            "a\u{7f}",
            "a b",
            " a",
            "a ",
            "~",
            "~root/a",
            "A",
            "exports/A",
            "é",
            "a\u{202e}b",
            "a\u{2215}b",
            "%2e%2e/a",
            "a:b",
            "a*",
            "a?",
            "-a",
            "a-",
            "_a",
        ] {
            assert_eq!(refusal(text), Some("invalid_format"), "{text:?}");
        }
        assert_eq!(refusal(""), Some("too_short"));
        assert_eq!(refusal(&"a".repeat(256)), Some("invalid_format"));
        assert_eq!(refusal(&format!("a/{}", "b".repeat(256))), Some("invalid_format"));
        assert_eq!(refusal(&"a/".repeat(512)), Some("invalid_format"));
        assert_eq!(refusal(&format!("{}b", "a/".repeat(512))), Some("too_long"));
    }

    /// Where the key leads below the root, by the rules of paths alone.
    fn resolved(text: &str) -> PathBuf {
        let mut place = PathBuf::from("/root");
        for component in Path::new(text).components() {
            match component {
                Component::Normal(name) => place.push(name),
                Component::ParentDir => drop(place.pop()),
                Component::CurDir => {}
                Component::RootDir | Component::Prefix(_) => place = PathBuf::from("/"),
            }
        }
        place
    }

    /// Texts that are close to being keys, and the worst of those that are not.
    fn texts() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            8 => "[a-z0-9._-]{1,4}",
            2 => Just("..".to_owned()),
            1 => prop::sample::select(vec![".", "", "\\", "c:", "\0", "a b", "é", "~"]).prop_map(str::to_owned),
            1 => any::<String>(),
        ];
        prop::collection::vec(part, 0..6).prop_map(|parts| parts.join("/"))
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_names_one_place_below_the_root(text in texts()) {
            if let Ok(key) = FileKey::parse(text.clone()) {
                let place = resolved(key.as_str());
                // As it stands: nothing in it was resolved away, so no other key leads there.
                prop_assert_eq!(place.to_str().unwrap(), format!("/root/{text}"));
                prop_assert!(key.folders().chain([key.name()]).all(|name| name.len() <= 255));
                prop_assert_eq!(text.to_lowercase(), text);
            }
        }
    }
}

//! The text format of Prometheus, read as strictly as its page says
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).

use std::collections::BTreeMap;

/// What `/metrics` answered.
#[derive(Debug)]
pub struct Exposition {
    /// The kind of each metric: `counter`, `gauge`, `histogram`.
    pub kinds: BTreeMap<String, String>,
    samples: BTreeMap<Series, f64>,
}

/// A name, and labels in their order by name.
type Series = (String, BTreeMap<String, String>);

impl Exposition {
    /// Reads a text; panics at the line that is wrong.
    pub fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line does not end");
        let mut read = Self { kinds: BTreeMap::new(), samples: BTreeMap::new() };
        for line in text.lines().filter(|line| !line.is_empty()) {
            let taken = match line.strip_prefix("# ") {
                Some(comment) => read.comment(comment),
                None => read.sample(line),
            };
            assert!(taken.is_some(), "not of the format: {line}");
        }
        read.check_histograms();
        read
    }

    /// The value of a series; 0 if it is not there.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).copied().unwrap_or_default()
    }

    /// The labels of all series of this name, with the values.
    pub fn series(&self, name: &str) -> Vec<(&BTreeMap<String, String>, f64)> {
        let of_name = self.samples.iter().filter(|((other, _), _)| other == name);
        of_name.map(|((_, labels), value)| (labels, *value)).collect()
    }

    /// `HELP name text` or `TYPE name kind`, the latter once and before its samples.
    fn comment(&mut self, comment: &str) -> Option<()> {
        let (keyword, rest) = comment.split_once(' ')?;
        let (name, rest) = rest.split_once(' ')?;
        match keyword {
            "HELP" => (is_name(name) && !self.kinds.contains_key(name)).then_some(()),
            "TYPE" => {
                let is_kind = ["counter", "gauge", "histogram", "summary"].contains(&rest);
                let is_first = self.kinds.insert(name.to_owned(), rest.to_owned()).is_none();
                (is_name(name) && is_kind && is_first).then_some(())
            }
            _ => None,
        }
    }

    /// `name{label="value",…} number`, of a metric whose kind was said.
    fn sample(&mut self, line: &str) -> Option<()> {
        let end = line.find(['{', ' '])?;
        let (name, rest) = line.split_at(end);
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => labels(rest)?,
            None => (BTreeMap::new(), rest),
        };
        let value: f64 = value.strip_prefix(' ')?.parse().ok()?;
        let kind = self.kinds.get(name).or_else(|| self.kinds.get(family(name)))?;
        let sound = match kind.as_str() {
            "counter" => name.ends_with("_total") && value >= 0.0,
            "histogram" => family(name) != name,
            _ => true,
        };
        let is_first = self.samples.insert((name.to_owned(), labels), value).is_none();
        (is_name(name) && sound && is_first).then_some(())
    }

    /// Buckets hold those below them, and the last one holds all.
    fn check_histograms(&self) {
        for ((name, labels), count) in &self.samples {
            let Some(family) = name.strip_suffix("_count").filter(|name| self.kinds.contains_key(*name))
            else {
                continue;
            };
            let is_of = |(series, _): &(&Series, &f64)| {
                let mut others = series.1.clone();
                others.remove("le");
                series.0 == format!("{family}_bucket") && others == *labels
            };
            let mut buckets: Vec<(f64, f64)> = self
                .samples
                .iter()
                .filter(is_of)
                .map(|(series, value)| (series.1["le"].parse().expect("a bound"), *value))
                .collect();
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(
                buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1),
                "{family} {labels:?}: {buckets:?}"
            );
            assert_eq!(buckets.last(), Some(&(f64::INFINITY, *count)), "{family} {labels:?}");
            assert!(
                self.samples.contains_key(&(format!("{family}_sum"), labels.clone())),
                "{family} has no sum"
            );
        }
    }
}

/// The metric that a series of a histogram belongs to.
fn family(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

fn is_name(name: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) && name.bytes().all(inside)
}

/// The labels up to `}`, and what is behind it.
fn labels(mut text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        let (name, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = rest.char_indices();
        let end = loop {
            match characters.next()? {
                (_, '\\') => match characters.next()?.1 {
                    'n' => value.push('\n'),
                    escaped @ ('"' | '\\') => value.push(escaped),
                    _ => return None,
                },
                (place, '"') => break place,
                (_, character) => value.push(character),
            }
        };
        let is_first = labels.insert(name.to_owned(), value).is_none();
        if !is_name(name) || !is_first {
            return None;
        }
        let rest = &rest[end + 1..];
        match rest.strip_prefix('}') {
            Some(rest) => return Some((labels, rest)),
            None => text = rest.strip_prefix(',')?,
        }
    }
}

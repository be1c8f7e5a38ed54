//! A header map as the host gives it: ordered, lower-case names, values of any bytes.

/// Request or response headers, pseudo headers included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// Takes the pairs in the order in which they came. Names must be lower case.
    pub fn new(pairs: Vec<(String, Vec<u8>)>) -> Self {
        Self(pairs)
    }

    /// The first value of the header named `name`.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|(candidate, _)| *candidate == name)
            .map(|(_, value)| value)
    }

    /// Every value of the header named `name`, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.0
            .iter()
            .filter(move |(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_slice())
    }

    /// Whether a header named `name` is there.
    pub fn contains(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Whether `value` is the one value of the header named `name`.
    pub fn is_only(&self, name: &str, value: &[u8]) -> bool {
        let mut values = self.all(name);
        values.next() == Some(value) && values.next().is_none()
    }

    /// All pairs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}

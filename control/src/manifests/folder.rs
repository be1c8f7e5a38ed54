use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Identity, Kind, ManifestError, Object, Place, Refused, Severity, Sourced, parse};
use crate::api::{AuthPolicy, AuthPolicySpec};

/// The objects of a set of files, over time. What a file said and no longer says in a readable way, stays.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    files: BTreeMap<String, File>,
    /// The file from which an object is taken. One that has it keeps it, also when another says it, too.
    owners: BTreeMap<Identity, String>,
}

#[derive(Clone, Debug, Default)]
struct File {
    objects: Vec<Sourced>,
    errors: Vec<ManifestError>,
    refused: Vec<Identity>,
    /// Whether it is away, perhaps for a moment.
    away: bool,
}

impl Folder {
    /// Takes in a file that is new or has changed.
    pub fn apply(&mut self, file: &str, text: &str) {
        let parsed = parse(file, text);
        let before = self.files.remove(file).unwrap_or_default();
        let objects = merge(before.objects, parsed.objects, &parsed.refused);
        self.files.insert(
            file.to_owned(),
            File {
                objects,
                errors: parsed.errors,
                refused: parsed
                    .refused
                    .into_iter()
                    .filter_map(|r| r.identity)
                    .collect(),
                away: false,
            },
        );
        self.settle_owners();
    }

    /// Takes in that a file is there but cannot be read. Its objects stay.
    pub fn refuse(&mut self, file: &str, reason: &str) {
        let place = Place {
            file: file.to_owned(),
            line: 0,
        };
        let error = ManifestError {
            place,
            reason: format!("cannot be read: {reason}"),
            severity: Severity::Error,
        };
        self.files.entry(file.to_owned()).or_default().errors = vec![error];
    }

    /// Takes in that a file is away, or there again. While it is away, its objects stay, but another file's count first.
    pub fn set_away(&mut self, file: &str, away: bool) {
        if let Some(state) = self.files.get_mut(file) {
            state.away = away;
            self.settle_owners();
        }
    }

    /// Takes in that a file is gone, and its objects with it.
    pub fn remove(&mut self, file: &str) {
        self.files.remove(file);
        self.settle_owners();
    }

    /// All objects, each once; policies as often as they are there, since dropping one would open something.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        let mut seen = BTreeSet::new();
        self.sourced().filter_map(move |(file, sourced)| {
            let identity = sourced.object.identity();
            let owned = self.owners.get(&identity) == Some(&sourced.place.file);
            let is_policy = sourced.object.kind() == Kind::AuthPolicy;
            let counts = match is_policy {
                true => owned || !file.away,
                false => owned && seen.insert(identity),
            };
            counts.then_some(&sourced.object)
        })
    }

    /// Objects that are there and cannot be read. What some said before is in [`Folder::objects`].
    pub fn refused(&self) -> impl Iterator<Item = &Identity> {
        self.files.values().flat_map(|file| &file.refused)
    }

    /// Where an object stands.
    pub fn place(&self, identity: &Identity) -> Option<&Place> {
        let owner = self.owners.get(identity)?;
        let objects = &self.files.get(owner)?.objects;
        objects
            .iter()
            .find(|s| s.object.identity() == *identity)
            .map(|s| &s.place)
    }

    /// All that is wrong now, in the order of files and lines. A kind that is not read is named once.
    pub fn errors(&self) -> Vec<ManifestError> {
        let mut errors: Vec<_> = self.files.values().flat_map(|f| f.errors.clone()).collect();
        let mut warned = BTreeSet::new();
        errors.retain(|e| e.severity == Severity::Error || warned.insert(e.reason.clone()));
        errors.extend(self.duplicates());
        errors.sort_by(|a, b| a.place.cmp(&b.place));
        errors
    }

    fn duplicates(&self) -> Vec<ManifestError> {
        let mut errors = Vec::new();
        let sourced = self.sourced();
        for (_, sourced) in sourced.filter(|(file, s)| !file.away && !is_stand_in(&s.object)) {
            let identity = sourced.object.identity();
            let Some(first) = self
                .place(&identity)
                .filter(|first| **first != sourced.place)
            else {
                continue;
            };
            let reason =
                format!("{identity} is also at {first}, which counts: take one of them out");
            let place = sourced.place.clone();
            errors.push(ManifestError {
                place,
                reason,
                severity: Severity::Error,
            });
        }
        errors
    }

    fn sourced(&self) -> impl Iterator<Item = (&File, &Sourced)> {
        let files = self.files.values();
        files.flat_map(|file| file.objects.iter().map(move |sourced| (file, sourced)))
    }

    fn settle_owners(&mut self) {
        let mut owners = BTreeMap::new();
        let (away, there): (Vec<_>, Vec<_>) = self.files.iter().partition(|(_, state)| state.away);
        for (file, state) in there.into_iter().chain(away) {
            for sourced in &state.objects {
                let identity = sourced.object.identity();
                if !state.away && self.owners.get(&identity) == Some(file) {
                    owners.insert(identity, file.clone());
                } else {
                    owners.entry(identity).or_insert_with(|| file.clone());
                }
            }
        }
        self.owners = owners;
    }
}

/// What a file says now, and, where some of it cannot be read, what it said before and does not say now.
fn merge(before: Vec<Sourced>, now: Vec<Sourced>, refused: &[Refused]) -> Vec<Sourced> {
    if refused.is_empty() {
        return now;
    }
    let said: BTreeSet<_> = now
        .iter()
        .map(|sourced| sourced.object.identity())
        .collect();
    let kept: Vec<_> = before
        .into_iter()
        .filter(|s| !said.contains(&s.object.identity()) && !is_stand_in(&s.object))
        .collect();
    let policies = kept
        .iter()
        .filter(|s| s.object.kind() == Kind::AuthPolicy)
        .count();
    let lost = refused
        .iter()
        .filter(|refused| refused.policy)
        .skip(policies);
    let stand_ins: Vec<_> = lost.map(|refused| stand_in(&refused.place)).collect();
    now.into_iter().chain(kept).chain(stand_ins).collect()
}

const STAND_IN: &str = "unreadable";

/// Stands for a policy that nobody could read yet: it names no target and no namespace, so it denies everything.
fn stand_in(place: &Place) -> Sourced {
    let metadata = ObjectMeta {
        name: Some(STAND_IN.to_owned()),
        namespace: Some(String::new()),
        ..ObjectMeta::default()
    };
    let policy = AuthPolicy {
        api_version: "kuadrant.io/v1".to_owned(),
        kind: "AuthPolicy".to_owned(),
        metadata,
        spec: AuthPolicySpec::default(),
    };
    Sourced {
        object: Object::AuthPolicy(Box::new(policy)),
        place: place.clone(),
    }
}

fn is_stand_in(object: &Object) -> bool {
    match object {
        Object::AuthPolicy(policy) => {
            policy.spec.0.is_null() && policy.metadata.name.as_deref() == Some(STAND_IN)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Folder;
    use crate::manifests::{Object, Severity};

    fn namespace(name: &str) -> String {
        format!("---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n")
    }

    fn policy(name: &str) -> String {
        format!(
            "---\napiVersion: kuadrant.io/v1\nkind: AuthPolicy\nmetadata:\n  name: {name}\nspec: {{}}\n"
        )
    }

    const BROKEN: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: [\n";
    const BROKEN_POLICY: &str = "---\nkind: \"AuthPolicy\"\nmetadata: [\n";

    fn names(folder: &Folder) -> Vec<String> {
        folder
            .objects()
            .map(|object| object.identity().to_string())
            .collect()
    }

    fn reasons(folder: &Folder) -> Vec<String> {
        folder.errors().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_that_no_longer_parses_keeps_its_last_good_objects() {
        let mut folder = Folder::default();
        folder.apply("a.yaml", &namespace("one"));
        folder.apply("b.yaml", &namespace("two"));
        folder.apply("a.yaml", BROKEN);
        assert_eq!(names(&folder), ["Namespace one", "Namespace two"]);
        assert_eq!(reasons(&folder).len(), 1);
        folder.refuse("b.yaml", "permission denied");
        assert_eq!(names(&folder), ["Namespace one", "Namespace two"]);
        assert_eq!(
            reasons(&folder).last().unwrap(),
            "b.yaml: cannot be read: permission denied"
        );
        folder.apply("a.yaml", &namespace("three"));
        assert_eq!(names(&folder), ["Namespace three", "Namespace two"]);
    }

    #[test]
    fn what_can_be_read_of_a_partly_broken_file_takes_effect() {
        let mut folder = Folder::default();
        folder.apply("a.yaml", &(namespace("one") + &namespace("two")));
        folder.apply("a.yaml", &(namespace("three") + BROKEN + &namespace("two")));
        assert_eq!(
            names(&folder),
            ["Namespace three", "Namespace two", "Namespace one"]
        );
    }

    #[test]
    fn a_removed_file_takes_its_objects_along() {
        let mut folder = Folder::default();
        folder.apply("a.yaml", BROKEN);
        folder.apply("b.yaml", &namespace("two"));
        folder.remove("a.yaml");
        folder.remove("b.yaml");
        assert!(names(&folder).is_empty());
        assert!(reasons(&folder).is_empty());
    }

    #[test]
    fn a_file_that_is_away_stays_in_force_until_another_says_the_same() {
        let mut folder = Folder::default();
        folder.apply("a.yaml", &(namespace("one") + &policy("one")));
        folder.set_away("a.yaml", true);
        assert_eq!(names(&folder), ["Namespace one", "AuthPolicy default/one"]);
        folder.apply("b.yaml", &(policy("one") + &namespace("one")));
        assert_eq!(names(&folder), ["AuthPolicy default/one", "Namespace one"]);
        assert!(reasons(&folder).is_empty());
        folder.set_away("a.yaml", false);
        assert_eq!(reasons(&folder).len(), 2);
        assert_eq!(names(&folder).len(), 3);
    }

    #[test]
    fn an_object_in_two_files_names_both_and_stays_where_it_was() {
        let mut folder = Folder::default();
        folder.apply("b.yaml", &namespace("one"));
        folder.apply("a.yaml", &("\n\n".to_owned() + &namespace("one")));
        assert_eq!(names(&folder), ["Namespace one"]);
        let expected =
            "a.yaml:4: Namespace one is also at b.yaml:2, which counts: take one of them out";
        assert_eq!(reasons(&folder), [expected]);
        folder.remove("b.yaml");
        assert_eq!(names(&folder), ["Namespace one"]);
        assert!(reasons(&folder).is_empty());
    }

    #[test]
    fn an_object_twice_in_one_file_names_both_lines() {
        let mut folder = Folder::default();
        folder.apply("a.yaml", &(namespace("one") + &namespace("one")));
        let expected =
            "a.yaml:7: Namespace one is also at a.yaml:2, which counts: take one of them out";
        assert_eq!(reasons(&folder), [expected]);
        assert_eq!(names(&folder), ["Namespace one"]);
    }

    #[test]
    fn a_kind_that_is_not_read_is_named_once() {
        let mut folder = Folder::default();
        let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n";
        folder.apply("a.yaml", pod);
        folder.apply("b.yaml", pod);
        assert_eq!(
            reasons(&folder),
            ["a.yaml:1: kind Pod (v1) is not read here: skipped"]
        );
        assert_eq!(folder.errors()[0].severity, Severity::Warning);
    }

    #[test]
    fn a_policy_that_was_never_readable_still_denies() {
        let mut folder = Folder::default();
        folder.apply("a.yaml", &(policy("good") + BROKEN_POLICY));
        let denying = |folder: &Folder| {
            folder
                .objects()
                .any(|o| matches!(o, Object::AuthPolicy(p) if p.spec.0.is_null()))
        };
        assert!(denying(&folder));
        folder.apply("a.yaml", &(policy("good") + BROKEN));
        assert!(!denying(&folder));
        folder.apply("a.yaml", BROKEN_POLICY);
        assert_eq!(names(&folder), ["AuthPolicy default/good"]);
    }

    #[test]
    fn duplicate_policies_are_all_kept() {
        let mut folder = Folder::default();
        folder.apply("a.yaml", &policy("one"));
        folder.apply("b.yaml", &policy("one"));
        assert_eq!(names(&folder).len(), 2);
        assert_eq!(reasons(&folder).len(), 1);
    }
}

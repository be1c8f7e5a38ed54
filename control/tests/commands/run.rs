use super::Place;

const IMAGE: &str = "--image=oci://registry.example.com/filter@sha256:\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn what_envoy_filters_cannot_do_is_refused_with_words() {
    for (argument, words) in [
        (
            "--wasmplugins=adopt",
            "EnvoyFilters cannot be yours: leave out --wasmplugins=adopt",
        ),
        (
            "--image-pull-secret=login",
            "leave out --image-pull-secret, and give Istio's agent",
        ),
    ] {
        let run = Place::new().run(&["run", IMAGE, "--attach=envoyfilter", argument]);
        assert_eq!(run.code, 1, "{}", run.err);
        assert!(run.err.contains(words), "{}", run.err);
    }
}

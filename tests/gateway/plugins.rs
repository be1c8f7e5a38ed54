//! How the filter comes into the gateway, and where it stands there.

use crate::mesh::mesh;
use crate::platform::IMAGE;

tests! {
    async fn the_agent_pulls_the_image_by_its_digest() {
        let mesh = mesh().await;
        let pulls = format!("GET /v2/{IMAGE}/manifests/sha256:");
        let asked = mesh.registry.process().lines();
        assert!(asked.iter().any(|line| line.contains(&pulls)), "{asked:?}");
    }

    async fn filters_stand_in_the_order_route_jwt_authn_gate() {
        let mesh = mesh().await;
        let filters = mesh.proxy.filters(mesh.address().port()).await;
        let place = |part: &str| {
            let places: Vec<_> = (0..filters.len()).filter(|place| filters[*place].contains(part)).collect();
            assert_eq!(places.len(), 1, "{part} in {filters:?}");
            places[0]
        };
        let places = ["mcp-route-", "jwt_authn", "mcp-gate-", "rbac", "router"].map(place);
        assert!(places.is_sorted(), "{filters:?}");
    }
}

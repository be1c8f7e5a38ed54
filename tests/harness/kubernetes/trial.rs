//! Writes that change nothing: what the apiserver says of them.

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{Kubernetes, name, typed};

/// In which way an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// It is new.
    Create,
    /// It takes the place of the one that is there.
    Replace,
    /// Its status takes the place of the status that is there.
    Status,
}

impl Kubernetes {
    /// Has the apiserver judge a write, and keep nothing of it.
    pub async fn tried(&self, object: &Value, trial: Trial) -> Result<(), kube::Error> {
        let status = json!({ "status": object["status"] });
        let (api, mut object) = typed(&self.client, object.clone());
        let parameters = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let name = name(&object);
        match trial {
            Trial::Create => {
                api.create(&parameters, &object).await?;
            }
            Trial::Replace => {
                object.metadata.resource_version = api.get(&name).await?.metadata.resource_version;
                api.replace(&name, &parameters, &object).await?;
            }
            Trial::Status => {
                let parameters = PatchParams {
                    dry_run: true,
                    ..PatchParams::default()
                };
                api.patch_status(&name, &parameters, &Patch::Merge(status))
                    .await?;
            }
        }
        Ok(())
    }
}

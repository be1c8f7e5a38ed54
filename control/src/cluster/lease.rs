//! Which control leads: the one that holds a Lease of `coordination.k8s.io/v1`.
//!
//! No clock but the own one counts, and of two that write at once the apiserver takes one: every write names the version
//! that it replaces. The crates that know Leases compare other machines' times with their own clock, and merge their
//! patches whatever the Lease has become since it was read; or they stand on another version of `kube`.

mod observed;

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use observed::{Observed, Step, holder};

/// Random bytes that tell one process from another of the same name.
const OWN_BYTES: usize = 4;

/// The apiserver's answer where another was quicker.
pub(super) const CONFLICT: u16 = 409;

const NO_ANSWER: &str = "the apiserver does not answer";

/// One candidate. `acquire`, then `hold`, and again where it was lost; `release` at the end.
///
/// Who leads may go on with what it has begun for a third of the duration after `hold` has returned.
#[derive(Debug)]
pub struct Lease {
    api: Api<Object>,
    name: String,
    identity: String,
    duration: Duration,
    observed: Observed,
    /// When the last write that succeeded was begun.
    renewed: Instant,
    /// Why the latest try failed.
    trouble: String,
    /// Who has it, as far as this candidate has seen.
    leader: watch::Sender<String>,
}

/// Why this control leads no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// Somebody has removed the Lease.
    #[error("the lease was deleted")]
    Deleted,
    /// Another has it. Empty where nobody does.
    #[error("the lease was taken by {0:?}")]
    Taken(String),
    /// The apiserver took no renewal.
    #[error("the lease could not be renewed in time: {0}")]
    Unrenewed(String),
}

impl Lease {
    /// A candidate for the Lease `name`. Its identity is `identity` with some random letters: a container that is started
    /// again has the name of the one before, which may still live. `duration`, of whole seconds, is the longest time without
    /// a leader where one ends without a word.
    ///
    /// # Errors
    /// Where the operating system gives no random bytes.
    pub fn new(
        client: Client,
        namespace: &str,
        name: &str,
        identity: &str,
        duration: Duration,
    ) -> Result<Self, getrandom::Error> {
        let mut own = [0; OWN_BYTES];
        getrandom::fill(&mut own)?;
        let own: String = own.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity: format!("{identity}_{own}"),
            duration,
            observed: Observed::default(),
            renewed: Instant::now(),
            trouble: String::new(),
            leader: watch::Sender::default(),
        })
    }

    /// As it stands in `spec.holderIdentity`.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The identity of who has it, as far as this candidate has seen; empty for nobody.
    pub fn leader(&self) -> watch::Receiver<String> {
        self.leader.subscribe()
    }

    /// Returns once this control leads. What goes wrong until then is logged, and tried again.
    pub async fn acquire(&mut self) {
        loop {
            match timeout(self.patience(), self.try_acquire()).await {
                Ok(Ok(None)) => return,
                Ok(Ok(Some(wait))) => sleep(wait.min(self.pause())).await,
                Ok(Err(error)) => self.failed(error.to_string()).await,
                Err(_) => self.failed(NO_ANSWER.to_owned()).await,
            }
        }
    }

    /// Renews, and returns only when this control leads no more.
    pub async fn hold(&mut self) -> Lost {
        loop {
            sleep_until(self.renewed + self.duration / 3).await;
            let end = self.renewed + self.duration * 2 / 3;
            match timeout_at(end, self.renew()).await {
                Ok(Ok(())) => {}
                Ok(Err(lost)) => return lost,
                Err(_) => return Lost::Unrenewed(self.trouble.clone()),
            }
        }
    }

    /// Gives the Lease up if it is this control's, so that the next one need not wait. Where that fails, it has to.
    pub async fn release(mut self) {
        match timeout(self.patience(), self.try_release()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("lease {}: not released: {error}", self.name),
            Err(_) => tracing::warn!("lease {}: not released in time", self.name),
        }
    }

    /// Of one try.
    fn patience(&self) -> Duration {
        self.duration / 5
    }

    /// Between two tries.
    fn pause(&self) -> Duration {
        self.duration / 10
    }

    async fn failed(&mut self, trouble: String) {
        if self.trouble != trouble {
            tracing::warn!("lease {}: {trouble}", self.name);
            self.trouble = trouble;
        }
        sleep(self.pause()).await;
    }

    /// How long to wait; `None` where it is this control's.
    async fn try_acquire(&mut self) -> Result<Option<Duration>, kube::Error> {
        let object = self.api.get_opt(&self.name).await?;
        self.see(object);
        let begun = Instant::now();
        let seen = self.observed.object().cloned().unwrap_or_default();
        let written = match self.observed.step(&self.identity, self.duration, begun) {
            Step::Wait(wait) => return Ok(Some(wait)),
            Step::Create => {
                let object = self.object();
                self.api.create(&PostParams::default(), &object).await
            }
            Step::Take => self.replace(&seen, |spec| self.taken(spec)).await,
            Step::Renew => self.replace(&seen, |spec| self.renewed(spec)).await,
        };
        match written {
            Ok(object) => {
                self.wrote(object, begun);
                Ok(None)
            }
            Err(kube::Error::Api(status)) if status.code == CONFLICT => Ok(Some(self.pause())),
            Err(error) => Err(error),
        }
    }

    async fn renew(&mut self) -> Result<(), Lost> {
        self.trouble = NO_ANSWER.to_owned();
        loop {
            match timeout(self.patience(), self.try_renew()).await {
                Ok(Ok(None)) => return Ok(()),
                Ok(Ok(Some(lost))) => return Err(lost),
                Ok(Err(error)) => self.failed(error.to_string()).await,
                Err(_) => self.failed(NO_ANSWER.to_owned()).await,
            }
        }
    }

    /// `None` where it is renewed.
    async fn try_renew(&mut self) -> Result<Option<Lost>, kube::Error> {
        // What an earlier try has written, or another has changed, is not known without a look.
        while let Some(object) = self.api.get_opt(&self.name).await? {
            let now_holder = holder(&object);
            if now_holder != self.identity {
                return Ok(Some(Lost::Taken(now_holder.to_owned())));
            }
            let begun = Instant::now();
            match self.replace(&object, |spec| self.renewed(spec)).await {
                Ok(object) => {
                    self.wrote(object, begun);
                    return Ok(None);
                }
                Err(kube::Error::Api(status)) if status.code == CONFLICT => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Lost::Deleted))
    }

    async fn try_release(&mut self) -> Result<(), kube::Error> {
        while let Some(object) = self.api.get_opt(&self.name).await? {
            if holder(&object) != self.identity {
                return Ok(());
            }
            let given_up = self.replace(&object, |spec| LeaseSpec {
                lease_transitions: spec.lease_transitions,
                ..LeaseSpec::default()
            });
            match given_up.await {
                Err(kube::Error::Api(status)) if status.code == CONFLICT => {}
                result => return result.map(|_| ()),
            }
        }
        Ok(())
    }

    /// Replaces `object`, if it has not changed.
    async fn replace(
        &self,
        object: &Object,
        edit: impl FnOnce(LeaseSpec) -> LeaseSpec,
    ) -> Result<Object, kube::Error> {
        let object = Object {
            spec: Some(edit(object.spec.clone().unwrap_or_default())),
            ..object.clone()
        };
        self.api
            .replace(&self.name, &PostParams::default(), &object)
            .await
    }

    fn see(&mut self, object: Option<Object>) {
        let leader = object.as_ref().map(holder).unwrap_or_default().to_owned();
        self.leader.send_replace(leader);
        self.observed.see(object, Instant::now());
    }

    /// Notes a write that succeeded.
    fn wrote(&mut self, object: Object, begun: Instant) {
        self.see(Some(object));
        self.renewed = begun;
        self.trouble.clear();
    }

    fn object(&self) -> Object {
        Object {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                lease_transitions: Some(0),
                ..self.taken(LeaseSpec::default())
            }),
        }
    }

    /// Another's, or nobody's, made this control's.
    fn taken(&self, spec: LeaseSpec) -> LeaseSpec {
        let transitions = spec.lease_transitions.unwrap_or_default();
        LeaseSpec {
            acquire_time: Some(MicroTime(Timestamp::now())),
            holder_identity: Some(self.identity.clone()),
            lease_transitions: Some(transitions.saturating_add(1)),
            ..self.renewed(spec)
        }
    }

    fn renewed(&self, spec: LeaseSpec) -> LeaseSpec {
        let seconds = i32::try_from(self.duration.as_secs()).unwrap_or(i32::MAX);
        LeaseSpec {
            lease_duration_seconds: Some(seconds.max(1)),
            renew_time: Some(MicroTime(Timestamp::now())),
            ..spec
        }
    }
}

#[cfg(test)]
mod tests;

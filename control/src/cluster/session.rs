//! One run: everything that happens, and what follows from it.

mod reconciliation;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::Client;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use super::admin::BEAT;
use super::apply::Apply;
use super::attachments::Attachments;
use super::authentications::Authentications;
use super::follower::News;
use super::followers::Followers;
use super::keys::SharedKeys;
use super::metrics::Metrics;
use super::model::Model;
use super::objects::{Change, Effect, Objects, Resource, Scope};
use super::rolls::Rolls;
use super::snapshot::Snapshot;
use super::statuses::{Statuses, Written};
use super::watches::{Watches, always, attachments};
use super::{Options, Owner, secrets, streams};
use crate::discovery::Outcome;
use crate::issuers::{self, Authorities, Issuers, Timing};
use crate::manifests::Kind;
use crate::object::ObjectName;
use crate::timer::at;
use crate::verdict::Reason;

/// How long changes are gathered before anything follows from them, so that a burst of them costs one configuration.
const GATHER: Duration = Duration::from_millis(50);

/// How long a namespace's Secrets are waited for before its registrations go on without them.
const SECRETS: Duration = Duration::from_secs(5);

/// Between two looks at the keys.
const LOOK: Duration = Duration::from_secs(10 * 60);

/// The same, where they could not be read.
const RETRY: Duration = Duration::from_secs(2);

/// How long the apiserver is waited for.
const ANSWER: Duration = Duration::from_secs(5);

/// News of gateways that wait to be taken; beyond them the gateways wait.
const QUEUE: usize = 64;

/// See the module.
#[derive(Debug)]
pub(super) struct Session {
    options: Options,
    keys: SharedKeys,
    apply: Apply,
    watches: Watches,
    objects: Objects,
    attachments: Attachments,
    authentications: Authentications,
    issuers: Issuers,
    asking: issuers::Follower,
    /// The kinds that the attachments are of.
    attachment_kinds: [Resource; 2],
    /// Whether what control makes has changed since the gateways were served last: by control itself, or by another.
    are_written_news: bool,
    model: Model,
    followers: Followers,
    /// `None` where the WasmPlugins are users'.
    rolls: Option<Rolls>,
    statuses: Statuses,
    told: mpsc::Receiver<(ObjectName, News)>,
    is_leader: bool,
    /// When to look whether the keys are those that are in force.
    renew_at: Option<Instant>,
    /// Whether they were since it leads: what was read at the start may be long out of force.
    are_keys_current: bool,
    /// Whether it is told that nothing is taken away.
    is_withholding: bool,
    /// Whether the objects may be others than the model has.
    is_stale: bool,
    /// When to act on what is known.
    act_at: Option<Instant>,
    /// How long that took last.
    effort: Duration,
    /// Since when Secrets are waited for.
    waiting: Option<Instant>,
    snapshot: watch::Sender<Arc<Snapshot>>,
    beat: watch::Sender<Instant>,
    metrics: Arc<Metrics>,
}

impl Session {
    /// Follows the objects, and does nothing else until it leads.
    pub(super) fn start(client: Client, keys: SharedKeys, options: Options) -> Self {
        let attachment_kinds = attachments(options.attach());
        let metrics = Arc::new(Metrics::default());
        let mut watches = Watches::new(client.clone(), Arc::clone(&metrics));
        watches.follow(always(&attachment_kinds, options.auth_policies));
        let unseen = watches.scopes().map(ToString::to_string).collect();
        let (teller, told) = mpsc::channel(QUEUE);
        let model = Model::new(
            keys.for_filters(Timestamp::now()),
            options.gateway_addresses.clone(),
            options.telemetry,
        );
        let apply = Apply::new(client.clone());
        Self {
            model,
            followers: Followers::new(apply.clone(), teller, options.registry.clone()),
            rolls: match &options.owner {
                Owner::Control(wanted) => Some(Rolls::new(wanted, options.registry.clone())),
                Owner::User => None,
            },
            apply,
            statuses: Statuses::new(client),
            options,
            keys,
            watches,
            objects: Objects::default(),
            attachments: Attachments::default(),
            authentications: Authentications::default(),
            issuers: Issuers::default(),
            asking: issuers::Follower::new(Authorities::WellKnown, Timing::default()),
            attachment_kinds,
            are_written_news: false,
            told,
            is_leader: false,
            renew_at: Some(Instant::now() + LOOK),
            are_keys_current: false,
            is_withholding: false,
            is_stale: true,
            act_at: None,
            effort: Duration::ZERO,
            waiting: None,
            snapshot: watch::Sender::new(Arc::new(Snapshot::blank(unseen))),
            beat: watch::Sender::new(Instant::now()),
            metrics,
        }
    }

    /// What `/metrics` shows.
    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What `/status` shows.
    pub(super) fn snapshot(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.subscribe()
    }

    /// When this went on last.
    pub(super) fn beat(&self) -> watch::Receiver<Instant> {
        self.beat.subscribe()
    }

    /// Goes on until `stopped` ends, then ends the sessions with the servers. Only while it leads does anything follow from
    /// what it sees.
    pub(super) async fn run(
        mut self,
        mut leading: watch::Receiver<bool>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        loop {
            self.beat.send_replace(Instant::now());
            tokio::select! {
                // Whatever is waited for.
                _ = &mut stopped => break,
                () = self.step(&mut leading) => {}
            }
        }
        // Whoever waits to tell something need not.
        drop(self.told);
        self.followers.stop().await;
    }

    /// Waits for what comes next and does it.
    async fn step(&mut self, leading: &mut watch::Receiver<bool>) {
        tokio::select! {
            Ok(()) = leading.changed() => self.lead(*leading.borrow_and_update()),
            (scope, change) = self.watches.next() => self.see(scope, change),
            Some((gateway, news)) = self.told.recv() => self.hear(&gateway, news),
            event = self.asking.next() => self.learn(event),
            written = self.statuses.written() => self.end(&written),
            () = more_is_known(&mut self.rolls) => self.soon(),
            () = at(self.renew_at) => self.renew_keys().await,
            () = at(self.act_at) => self.act().await,
            () = sleep(BEAT) => {}
        }
    }

    fn lead(&mut self, leads: bool) {
        self.is_leader = leads;
        self.metrics.set_leader(leads);
        self.authentications.lead(leads);
        self.renew_at = Some(Instant::now());
        self.soon();
    }

    /// Looks whether the keys are others by now. Who does not lead looks, too: the Secret may be gone when it does.
    async fn renew_keys(&mut self) {
        let now = Timestamp::now();
        let is_read = match timeout(ANSWER, self.keys.read()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!("{error}");
                // What cannot be used today will not be usable soon, and what was read before can.
                !error.is_for_now()
            }
            Err(_) => {
                tracing::warn!("the apiserver does not answer, so the keys cannot be read");
                false
            }
        };
        if is_read && self.is_leader {
            self.are_keys_current = true;
            match timeout(ANSWER, self.keys.rotate(now)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("the key of session ids is not rotated: {error}"),
                Err(_) => tracing::warn!("the key of session ids is not rotated: no answer"),
            }
        }
        self.renew_at = Some(Instant::now() + if is_read { LOOK } else { RETRY });
        self.model.use_keys(self.keys.for_filters(now));
        self.soon();
    }

    fn end(&mut self, written: &Written) {
        if self.statuses.end(written) {
            self.soon();
        }
    }

    /// Acts after a moment, and after as long again as it took last, so that a large cluster leaves time for the rest.
    fn soon(&mut self) {
        let soon = Instant::now() + GATHER.max(self.effort);
        // Secrets that are there now are waited for no longer.
        self.act_at = Some(self.act_at.map_or(soon, |at| at.min(soon)));
    }

    fn see(&mut self, scope: Scope, change: Change) {
        match scope.resource {
            Resource::Attachment(attach) | Resource::Former(attach) => {
                self.are_written_news = true;
                self.attachments.apply(attach, change);
            }
            Resource::Authentication => {
                self.are_written_news = true;
                self.authentications.apply(change);
            }
            Resource::Manifest(kind) => {
                self.statuses.seen(kind, &change);
                if self.objects.apply(scope, kind, change) == Effect::Changed {
                    self.is_stale = true;
                    // Control writes some of them, too.
                    self.are_written_news |= kind == Kind::HttpRoute;
                }
            }
        }
        self.soon();
    }

    fn hear(&mut self, name: &ObjectName, news: News) {
        let now = Timestamp::now();
        match news {
            News::Discovered(event) => {
                match &event.outcome {
                    Outcome::Found(_) => self.metrics.discovered(name, None),
                    Outcome::Failed(error) | Outcome::Lost(error) => {
                        self.metrics.discovered(name, Some(error.reason()));
                    }
                    Outcome::Unchanged(_) => {}
                }
                self.model.learn(name, &event, now);
            }
            News::Pushed { bytes } => self.metrics.pushed(name, bytes),
            News::NotPushed { trouble } => {
                self.metrics.push_failed(name);
                if let Some(reason) = trouble {
                    let message = format!(
                        "the gateway's configuration cannot be pushed: {reason}. Change what keeps control from writing \
                         it; control goes on trying"
                    );
                    self.with(name, |gateway| {
                        gateway.is_in_trouble(Reason::PushRefused, message);
                    });
                }
            }
            News::Live(live) => self.with(name, |gateway| gateway.is_seen_live(live)),
            News::Behind { serves, given } => {
                self.with(name, |gateway| gateway.is_behind(&serves, &given));
            }
            News::NotLive { reason } => self.with(name, |gateway| {
                gateway.is_in_trouble(Reason::GatewayUnreachable, reason);
            }),
            News::Unseen { reason } => self.with(name, |gateway| gateway.is_unseen(reason)),
        }
        self.soon();
    }

    fn learn(&mut self, event: issuers::Event) {
        let told = event.keys.as_ref().err().map(|reason| {
            format!(
                "issuer {}: {reason}; its keys are fetched from where they were said to be last, or istiod looks for \
                 them itself",
                event.issuer
            )
        });
        if self.issuers.learn(event) {
            if let Some(told) = told {
                tracing::warn!("{told}");
            }
            self.soon();
        }
    }

    fn with(&mut self, name: &ObjectName, change: impl FnOnce(&mut super::model::Gateway)) {
        if let Some(gateway) = self.model.gateways.get_mut(name) {
            change(gateway);
        }
    }

    async fn act(&mut self) {
        let begun = Instant::now();
        self.act_at = None;
        let is_complete = self.is_complete();
        if self.is_leader && self.are_keys_current && is_complete {
            self.reconcile().await;
        }
        let unseen = self.unseen().map(ToString::to_string).collect();
        let snapshot = Snapshot::of(&self.model, self.is_leader, unseen);
        self.snapshot.send_replace(Arc::new(snapshot));
        self.effort = begun.elapsed();
    }

    /// Whether all that is followed was seen. Secrets are not waited for beyond their time.
    fn is_complete(&mut self) -> bool {
        let secrets = secrets::scopes(&self.objects);
        let scopes: BTreeSet<_> = always(&self.attachment_kinds, self.options.auth_policies)
            .chain(secrets)
            .chain(streams::scopes(&self.objects))
            .collect();
        self.objects.retain(|scope| scopes.contains(scope));
        self.watches.follow(scopes);
        let (secrets, others): (Vec<_>, Vec<_>) = self.unseen().partition(|scope| is_secret(scope));
        if !others.is_empty() {
            return false;
        }
        if secrets.is_empty() {
            self.waiting = None;
            return true;
        }
        let until = *self.waiting.get_or_insert_with(Instant::now) + SECRETS;
        if Instant::now() < until {
            self.act_at = Some(until);
            return false;
        }
        true
    }

    /// The namespaces of which it is not known yet what Secrets they have.
    fn unseen_secrets(&self) -> BTreeSet<String> {
        let secrets = self.unseen().filter(|scope| is_secret(scope));
        secrets
            .filter_map(|scope| scope.namespace.clone())
            .collect()
    }

    /// What is followed and was not seen as a whole yet.
    fn unseen(&self) -> impl Iterator<Item = &Scope> {
        self.watches.scopes().filter(|scope| match scope.resource {
            Resource::Attachment(attach) | Resource::Former(attach) => {
                !self.attachments.has_seen(attach)
            }
            Resource::Authentication => !self.authentications.has_seen(),
            Resource::Manifest(_) => !self.objects.has_seen(scope),
        })
    }
}

fn is_secret(scope: &Scope) -> bool {
    scope.resource == Resource::Manifest(Kind::Secret)
}

/// Waits until it is known whether the filter's image can be used.
async fn more_is_known(rolls: &mut Option<Rolls>) {
    match rolls {
        Some(rolls) => rolls.next().await,
        None => std::future::pending().await,
    }
}

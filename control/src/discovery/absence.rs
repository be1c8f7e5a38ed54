//! That a server does not offer what it could: believed for long, but not for ever.

use super::tells::Tells;

/// Good passes, about an hour of them, before a server that has none is asked for a stream again.
const PASSES_UNASKED: u32 = 60;

/// See the module. By default there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Absence {
    announced: Tells,
    unasked: u32,
}

impl Absence {
    /// Learned of a server that has announced this.
    pub(super) fn of(announced: Tells) -> Self {
        Self {
            announced,
            unasked: PASSES_UNASKED,
        }
    }

    /// A pass was good, and has seen what the server announces. Where that is something else, so is the server.
    pub(super) fn passed(&mut self, announced: Tells) {
        self.unasked = if announced == self.announced {
            self.unasked.saturating_sub(1)
        } else {
            0
        };
    }

    pub(super) fn is_believed(self) -> bool {
        self.unasked > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOLS: Tells = Tells {
        tools: true,
        prompts: false,
        resources: false,
    };

    #[test]
    fn it_is_believed_for_sixty_passes() {
        let mut absence = Absence::of(TOOLS);
        let passes = (0..100).take_while(|_| {
            absence.passed(TOOLS);
            absence.is_believed()
        });
        assert_eq!(passes.count(), 59);
        assert!(!Absence::default().is_believed());
    }

    #[test]
    fn a_server_that_announces_something_else_is_believed_nothing() {
        let mut absence = Absence::of(TOOLS);
        absence.passed(Tells::default());
        assert!(!absence.is_believed());
    }
}

// What all of oidc-provider.mjs's providers of one run know, as an adapter of oidc-provider.

const models = new Map();

export class Memory {
  constructor(model) {
    if (!models.has(model)) models.set(model, new Map());
    this.kept = models.get(model);
  }

  async upsert(id, payload) {
    this.kept.set(id, payload);
  }

  async find(id) {
    return this.kept.get(id);
  }

  async findByUid(uid) {
    return [...this.kept.values()].find((payload) => payload.uid === uid);
  }

  async consume(id) {
    this.kept.get(id).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.kept.delete(id);
  }

  async revokeByGrantId(grantId) {
    for (const [id, payload] of this.kept) {
      if (payload.grantId === grantId) this.kept.delete(id);
    }
  }
}

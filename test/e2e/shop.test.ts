/** The example shop from start to end, in each kind of isolation that this machine allows. */
import { describe, expect } from "bun:test";
import { eventually } from "./harness/eventually.ts";
import { root, startMesh } from "./harness/mesh.ts";
import { type IsolationName, testWithIsolation } from "./harness/requirements.ts";

const kinds: readonly IsolationName[] = ["netns", "userns", "loopback"];

interface Page {
  readonly book: { readonly title: string };
  readonly reviews: { readonly version: string };
}

interface Topology {
  readonly edges: readonly {
    readonly source: string;
    readonly destination: string;
    readonly isMutualTls: boolean;
  }[];
}

describe.each(kinds)("%s", (isolation) => {
  testWithIsolation(isolation)(
    "answers through the gateway, moves traffic, and leaves nothing behind",
    async () => {
      await using mesh = await startMesh({ isolation, dir: "examples/shop" });
      expect(mesh.ready.isolation).toBe(isolation);

      const page = await mesh.getJson<Page>("/");
      expect(page.book.title).toBe("The Weaver's Handbook");
      expect(page.reviews.version).toBe("v1");

      const applied = await mesh.weft("apply", "--wait", "-f", `${root}/examples/shop/moves/reviews-v2.yaml`);
      expect(applied.code).toBe(0);
      const moved = await mesh.getJson<Page>("/");
      expect(moved.reviews.version).toBe("v2");

      await eventually(async () => {
        const { edges } = await mesh.weftJson<Topology>("graph");
        const ratings = edges.find(({ destination }) => destination === "default/ratings");
        expect(ratings).toMatchObject({ source: "default/reviews-v2", isMutualTls: true });
      });
    },
  );
});

/** For a path that no page has. */
import { PageHead } from "../parts/panel.tsx";
import { Empty } from "../parts/states.tsx";

export function NowherePage() {
  return (
    <div class="page">
      <PageHead title="Nothing here" />
      <Empty title="No page has this address" icon="search">
        <p>
          <a href="/">The overview</a> leads everywhere.
        </p>
      </Empty>
    </div>
  );
}

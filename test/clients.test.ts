/** Real clients told of the proxy as payloads tell them. `npm run clients -w proxy` tries those that must be installed. */
import test from "ava";
import { clients } from "./clients/list.ts";
import { isHere, openPlace, tryClient } from "./clients/place.ts";
import { runProgram } from "./support/installation.ts";

const own = clients.filter(
  ({ npm, program }) => npm === undefined && program !== "chromium" && program !== "go",
);

test("every client that is here goes through the proxy by the payload's URL, or through the relay where it cannot", async (t) => {
  await using place = await openPlace();
  let reached = 0;
  for (const client of own) {
    const { name, program, python, cannot } = client;
    const there =
      isHere(program) &&
      (python === undefined || (await runProgram(program, ["-c", `import ${python}`])).code === 0);
    if (!there) {
      t.log(`${name}: not on this machine`);
      continue;
    }
    const proxy = cannot === undefined ? place.direct : place.relay;
    const given = {
      origin: place.origin,
      plainOrigin: place.plainOrigin,
      caFile: place.caFile,
      packages: place.folder,
      proxy,
    };
    const outcome = await tryClient(place, client.run(given));
    t.true(outcome.reached, `${name}: ${outcome.complaint}`);
    reached += 1;
  }
  t.true(reached >= 2);
});

import { globSync, readFileSync } from "node:fs";
import test from "ava";

/** Who may import whom. Rooms meet only in the wire messages of `shared`; nothing but tests and scripts knows all of them. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  "mdm-templates": ["shared"],
  proxy: ["shared"],
  agent: ["shared"],
  "control-plane": ["shared", "mdm-templates"],
};

const root = new URL("../", import.meta.url).pathname;

for (const [room, allowed] of Object.entries(mayImport)) {
  test(`${room} imports ${allowed.length === 0 ? "no other room" : `only ${allowed.join(" and ")}`}`, (t) => {
    const files = globSync(`${room}/{src,test,bench}/**/*.ts`, { cwd: root });
    t.true(files.length > 0);
    const strangers = files.flatMap((file) => {
      const text = readFileSync(root + file, "utf8");
      const rooms = [...text.matchAll(/(?:from|import\()\s*"@flowstate\/([a-z-]+)\//g)].map(
        (match) => match[1] ?? "",
      );
      const escapes = [
        ...text.matchAll(
          /(?:from|import\()\s*"((?:\.\.\/)+)(?:shared|proxy|agent|control-plane|mdm-templates)\//g,
        ),
      ];
      return [
        ...rooms
          .filter((name) => name !== room && !allowed.includes(name))
          .map((name) => `${file} -> ${name}`),
        ...escapes.map(() => `${file} reaches into another room by a relative path`),
      ];
    });
    t.deepEqual(strangers, []);
  });
}

test("only configuration and programs read the environment", (t) => {
  const readers = globSync("{shared,proxy,agent,control-plane,mdm-templates}/src/**/*.ts", { cwd: root })
    .filter((file) => !file.endsWith(".test.ts"))
    .filter((file) => readFileSync(root + file, "utf8").includes("process.env"))
    .filter((file) => !/\/src\/(?:main|cli|compose|config)\.ts$/.test(file));
  t.deepEqual(readers, []);
});

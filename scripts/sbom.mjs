/**
 * Writes a software bill of materials (CycloneDX 1.6, JSON) of what package-lock.json installs: `npm run sbom -- FILE`, or to
 * stdout. The same lock file gives the same bytes. Plain JavaScript on Node 20 without a dependency.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lockedPackages, root } from "./locked-packages.mjs";

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const packages = lockedPackages();
const byPlace = new Map(packages.map((entry) => [entry.place, entry]));
const rootReference = purl(manifest.name, manifest.version);

const document = {
  $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  serialNumber: `urn:uuid:${uuidOf(readFileSync(join(root, "package-lock.json")))}`,
  version: 1,
  metadata: {
    component: {
      type: "application",
      "bom-ref": rootReference,
      name: manifest.name,
      version: manifest.version,
      licenses: [{ license: { id: manifest.license } }],
      purl: rootReference,
    },
  },
  components: packages.map(component),
  dependencies: [
    {
      ref: rootReference,
      dependsOn: references("", Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })),
    },
    ...packages.map((entry) => ({
      ref: referenceOf(entry),
      dependsOn: references(entry.place, entry.dependencies),
    })),
  ],
};
const text = `${JSON.stringify(document, null, 2)}\n`;
const file = process.argv[2];
if (file === undefined) process.stdout.write(text);
else writeFileSync(file, text);

function component(entry) {
  const { name, version, licence, integrity, isDev, isOptional } = entry;
  const [group, plain] = name.startsWith("@") ? name.split("/") : [undefined, name];
  return {
    type: "library",
    "bom-ref": referenceOf(entry),
    ...(group === undefined ? {} : { group }),
    name: plain,
    version,
    // What is for development never ships.
    scope: isDev ? "excluded" : isOptional ? "optional" : "required",
    ...(licence === undefined ? {} : { licenses: [licenceOf(licence)] }),
    ...(integrity === undefined ? {} : { hashes: [hashOf(integrity)] }),
    purl: purl(name, version),
  };
}

function licenceOf(licence) {
  return /[ ()]/.test(licence) ? { expression: licence } : { license: { id: licence } };
}

/** npm writes "sha512-" and base64. */
function hashOf(integrity) {
  const [algorithm, base64] = integrity.split(" ")[0].split("-", 2);
  return {
    alg: algorithm.toUpperCase().replace("SHA", "SHA-"),
    content: Buffer.from(base64, "base64").toString("hex"),
  };
}

/** One package may be installed in two places. */
function referenceOf({ place, name, version }) {
  return place.lastIndexOf("node_modules/") === 0 ? purl(name, version) : `${purl(name, version)}#${place}`;
}

/** As Node finds them: in the package's own folder, then in each one above. */
function references(place, names) {
  const found = names.flatMap((name) => {
    for (let at = place; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
      const entry = byPlace.get(`${at === "" ? "" : `${at}/`}node_modules/${name}`);
      if (entry !== undefined) return [referenceOf(entry)];
      if (at === "") return [];
    }
  });
  return [...new Set(found)].sort((a, b) => (a < b ? -1 : 1));
}

function purl(name, version) {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function uuidOf(bytes) {
  const hex = createHash("sha256").update(bytes).digest("hex");
  const variant = ((Number.parseInt(hex[16], 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

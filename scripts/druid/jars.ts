/** Brings the jars of Druid and of Kafka from Maven Central into a folder, once per version. */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { sleep } from "./wait.ts"

/** A Maven artifact, `group:artifact:version`. */
export type Coordinate = `${string}:${string}:${string}`

/** A folder of jars: its key names the folder, its roots say what goes in. */
export interface JarSet {
  key: string
  roots: readonly Coordinate[]
}

const PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"

/** The Kafka whose broker is started beside Druid when it is asked for. */
export const KAFKA_VERSION = "3.9.0"

/** Druid's services and sketches, and the Kafka indexing service where it is wanted. */
export function druidJars(version: string, kafka: boolean): JarSet {
  const roots: Coordinate[] = [
    `org.apache.druid:druid-services:${version}`,
    `org.apache.druid.extensions:druid-datasketches:${version}`,
  ]
  if (kafka) roots.push(`org.apache.druid.extensions:druid-kafka-indexing-service:${version}`)
  return { key: kafka ? `${version}-kafka` : version, roots }
}

/** Kafka's own broker and console tools; a class path of its own, since its libraries differ from Druid's. */
export function kafkaJars(): JarSet {
  return { key: `kafka-${KAFKA_VERSION}`, roots: [`org.apache.kafka:kafka_2.13:${KAFKA_VERSION}`] }
}

/** Where jar folders live: DRUIDSYNC_DRUID_JARS, or `.druid/jars` in this checkout. */
export function jarsRoot(): string {
  return process.env.DRUIDSYNC_DRUID_JARS ?? fileURLToPath(new URL("../../.druid/jars", import.meta.url))
}

/** The Java executable: JAVA_HOME's, or the one on the PATH. */
export function javaCommand(): string {
  const home = process.env.JAVA_HOME
  return home ? join(home, "bin", "java") : "java"
}

/**
 * Makes sure that the set's folder is there and whole, and answers its path. Several may call at once, from several
 * processes: one resolves, the others wait. The folder appears by a rename, so a killed run leaves none half-filled.
 * @throws Error saying what is missing (`mvn`), or with the end of Maven's output.
 */
export async function resolveJars(set: JarSet, say: (line: string) => void = () => {}): Promise<string> {
  const root = jarsRoot()
  const target = join(root, set.key)
  if (existsSync(join(target, ".complete"))) return target
  await mkdir(root, { recursive: true })
  const release = await lock(join(root, `.lock-${set.key}`))
  try {
    if (existsSync(join(target, ".complete"))) return target
    const work = join(root, `.resolving-${set.key}-${process.pid}`)
    await rm(work, { recursive: true, force: true })
    await mkdir(work, { recursive: true })
    try {
      say(`Resolving jars of ${set.key} with Maven (once; about 200 MB)`)
      await writeFile(join(work, "pom.xml"), pom(set.roots))
      const lib = join(work, "lib")
      await run(
        "mvn",
        [
          "-B",
          "-q",
          "-f",
          join(work, "pom.xml"),
          PLUGIN,
          "-DincludeScope=runtime",
          `-DoutputDirectory=${lib}`,
        ],
        "Maven (`mvn`) is not on the PATH. It fetches Druid's jars: install Maven 3.8 or newer and a JDK 17.",
      )
      const jars = (await readdir(lib)).filter((name) => name.endsWith(".jar")).sort()
      if (jars.length === 0) throw new Error(`Maven fetched no jar for ${set.roots.join(", ")}`)
      await writeFile(join(lib, ".complete"), `${jars.join("\n")}\n`)
      await rm(target, { recursive: true, force: true })
      await rename(lib, target)
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  } finally {
    await release()
  }
  return target
}

/**
 * Proves that Java runs and is 17 or newer.
 * @throws Error saying that `java` is missing, or which version was found.
 */
export async function requireJava(): Promise<void> {
  const text = await run(
    javaCommand(),
    ["-version"],
    "Java (`java`) is neither in JAVA_HOME nor on the PATH. Druid needs a JDK 17: install one or set JAVA_HOME.",
  )
  const major = Number(/version "(\d+)/.exec(text)?.[1] ?? Number.NaN)
  if (!(major >= 17)) throw new Error(`Druid needs Java 17 or newer; \`java -version\` says: ${text.trim()}`)
}

/**
 * Runs a program to its end and answers what it wrote (both streams).
 * @throws Error with `missing` if there is no such program, else with the exit code and the last lines.
 */
export function run(program: string, args: readonly string[], missing: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] })
    let text = ""
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString()
    })
    child.stderr.on("data", (chunk: Buffer) => {
      text += chunk.toString()
    })
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "ENOENT" ? new Error(missing) : error),
    )
    child.once("close", (code) => {
      if (code === 0) resolve(text)
      else
        reject(new Error(`${program} ended with ${code}:\n${text.trim().split("\n").slice(-15).join("\n")}`))
    })
  })
}

/**
 * The project that asks for the roots. Druid's parent declares repositories that are gone: naming their ids here,
 * with nothing enabled, keeps Maven from asking them. Sigar (native system metrics) was only ever in one of those.
 */
function pom(roots: readonly Coordinate[]): string {
  const off = "<releases><enabled>false</enabled></releases><snapshots><enabled>false</enabled></snapshots>"
  const repositories = ["sigar", "cflt-public", "confluent"]
    .map((id) => `<repository><id>${id}</id><url>file:disabled</url>${off}</repository>`)
    .join("\n")
  const dependencies = roots
    .map((root) => {
      const [group, artifact, version] = root.split(":")
      return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>
<exclusions><exclusion><groupId>org.hyperic</groupId><artifactId>sigar</artifactId></exclusion></exclusions></dependency>`
    })
    .join("\n")
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>druidsync.dev</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>
<repositories>
${repositories}
</repositories>
<dependencies>
${dependencies}
</dependencies></project>
`
}

/** A lock folder holding its owner's PID; one whose owner is gone is taken over. */
async function lock(path: string): Promise<() => Promise<void>> {
  const { readFile } = await import("node:fs/promises")
  for (;;) {
    try {
      await mkdir(path)
      await writeFile(join(path, "pid"), String(process.pid))
      return () => rm(path, { recursive: true, force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    }
    await sleep(300)
    const owner = Number(await readFile(join(path, "pid"), "utf8").catch(() => "")) // not yet written: wait on
    if (owner > 0 && !isRunning(owner)) await rm(path, { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

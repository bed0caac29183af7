/**
 * `npm test`: lint, types, build, the tests on the fake Druid, and of the live suite what only a real Druid can prove. What
 * takes long without proving more each time is left to `npm run test:long`.
 */
import { runSuite } from "./steps.ts"

await runSuite({ live: "short" })

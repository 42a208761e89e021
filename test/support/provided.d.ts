/** The values that test/vitest.config.ts provides to the tests in workerd. */
import "vitest";

declare module "vitest" {
  export interface ProvidedContext {
    /** The name under which test/fixtures/write.ts keeps this release; empty in an ordinary run. */
    readonly release: string;
    /** The seed of random tests in workerd, which has no environment variables. */
    readonly seed: number;
  }
}

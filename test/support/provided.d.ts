/** What test/vitest.config.ts hands to the tests in workerd. */
import "vitest";

declare module "vitest" {
  export interface ProvidedContext {
    /** Under which name test/fixtures/write.ts wants this release kept; empty in an ordinary run. */
    readonly release: string;
    /** For what is random in workerd, where there is no environment. */
    readonly seed: number;
  }
}

/** Names that things have in other libraries: reading one says what to write here. */
import { typeError } from "./codes.js";

/**
 * Answers each name of a table with what to write instead of it.
 *
 * @param what What the objects are called in errors.
 * @param variable The variable that stands for one in the texts of the table.
 * @param extensible Whether classes of the user's may have fields of these names.
 */
export function answerHabits(
  prototype: object,
  what: string,
  variable: string,
  table: Readonly<Record<string, string>>,
  extensible: boolean,
): void {
  for (const [name, instead] of Object.entries(table)) {
    const answer = (): never => {
      throw typeError(`[${what}] expected ${instead}, received ${variable}.${name}`);
    };
    const store = function (this: object, value: unknown): void {
      const field = { value, configurable: true, enumerable: true, writable: true };
      Object.defineProperty(this, name, field);
    };
    const set = extensible ? store : answer;
    Object.defineProperty(prototype, name, { get: answer, set, configurable: true });
  }
}

/** A server that reads handwritten digits. */
import fastify, { type FastifyInstance } from "fastify";
import { mx } from "mlx-js";
import type { Classifier } from "../digits/train.mjs";

/** What `POST /predict` takes: 64 pixels from 0 to 16, as the digits have them, row after row. */
export interface Question {
  pixels: number[];
}

export interface Answer {
  digit: number;
  probability: number;
}

// Fastify answers what does not fit with 400, and says why.
const schema = {
  body: {
    type: "object",
    required: ["pixels"],
    additionalProperties: false,
    properties: {
      pixels: {
        type: "array",
        minItems: 64,
        maxItems: 64,
        items: { type: "number", minimum: 0, maximum: 16 },
      },
    },
  },
};

export function buildServer(model: Classifier): FastifyInstance {
  // By default, "3" would do for 3, and names that are not known would be dropped.
  const server = fastify({
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  });
  server.post<{ Body: Question; Reply: Answer }>("/predict", { schema }, async ({ body }) => {
    const best = mx.tidy(() => {
      const odds = mx.softmax(model.forward(mx.array(body.pixels).divide(16)), -1);
      return { digit: odds.argmax(), probability: odds.max() };
    });
    // Others are answered meanwhile.
    await mx.asyncEval(best);
    const answer = { digit: best.digit.item(), probability: best.probability.item() };
    mx.dispose(best);
    return answer;
  });
  return server;
}

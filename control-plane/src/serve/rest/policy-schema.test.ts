import { Ajv2020 } from "ajv/dist/2020.js";
import test from "ava";
import fc from "fast-check";
import * as v from "valibot";
import { policyDocument } from "@flowstate/shared/policy/document";
import { policies } from "@flowstate/shared/testing/policies";
import { policySchema } from "./policy-schema.ts";

test("the published schema takes and refuses what we do, but for what no schema can say", (t) => {
  const schema = policySchema(new URL("https://flowstate.example"));
  const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);
  let taken = 0;
  fc.assert(
    fc.property(policies, (text) => {
      const given: unknown = JSON.parse(text);
      const fits = v.is(policyDocument, given);
      if (fits) taken += 1;
      return validate(given) === fits;
    }),
    { numRuns: 1000 },
  );
  t.true(taken > 100 && taken < 900, `${taken} of 1000 were good`);
});

// Arrays in tests of node:test, which test/node-test.test.ts runs.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { mx } from "mlx-js";
import "mlx-js/testing"; // which has nothing to do here

test("deep comparisons compare arrays", () => {
  assert.deepEqual({ a: [mx.ones([2])] }, { a: [mx.ones([2])] });
  assert.notDeepEqual({ a: [mx.ones([2])] }, { a: [mx.zeros([2])] });
  assert.throws(
    () => assert.deepEqual(mx.ones([2]), mx.ones([2], mx.int32)),
    assert.AssertionError,
  );
});

test("the arguments of mocks are compared", () => {
  const fn = mock.fn();
  fn(mx.array([1, 2]), { x: mx.array(3) });
  assert.deepEqual(fn.mock.calls[0]?.arguments, [mx.array([1, 2]), { x: mx.array(3) }]);
  assert.notDeepEqual(fn.mock.calls[0]?.arguments, [mx.array([1, 2]), { x: mx.array(4) }]);
});

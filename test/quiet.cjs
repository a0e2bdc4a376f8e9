/** TensorFlow.js greets every Node process with an advertisement; the tests' output is not the place for it. */
const { warn } = console;
console.warn = (...message) => {
  if (!String(message[0]).includes('looks like you are running TensorFlow.js in Node.js')) warn(...message);
};

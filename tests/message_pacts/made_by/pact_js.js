// Writes the pacts of the consumers "billing-js-v3" and "billing-js-v4" with @pact-foundation/pact.
//
// Usage: npm install @pact-foundation/pact@16.5.0 in any directory, then
// NODE_PATH=THAT_DIRECTORY/node_modules PACT_DO_NOT_TRACK=true node pact_js.js [DIRECTORY]

const path = require('node:path');
const { MatchersV3, MessageConsumerPact, PactV4, XmlBuilder } = require('@pact-foundation/pact');

const { eachLike, fromProviderState, integer, like, number, regex, string } = MatchersV3;

const dir = path.resolve(process.argv[2] ?? path.join(__dirname, '..'));
const provider = 'shop';
const receive = async () => {};

const order = {
  id: integer(4711),
  number: regex(/ORD-\d{4}/, 'ORD-0001'),
  customer: like({ id: 7, name: 'Ada' }),
  items: eachLike({ product: string('Tea'), count: integer(2) }, 2),
};
const metadata = { topic: 'orders', key: regex(/order-\d+/, 'order-4711') };
const catalogue = new XmlBuilder('1.0', 'UTF-8', 'catalogue').build((element) =>
  element.appendElement('product', { id: '1' }, string('Tea')),
);
const bytes = Buffer.from([0, 1, 2, 253, 254, 255]);

const writeV3 = async () => {
  const pact = new MessageConsumerPact({ consumer: 'billing-js-v3', provider, dir, logLevel: 'error' });
  await pact
    .given({ name: 'a customer exists', params: { id: 7, name: 'Ada' } })
    .given('the order is paid')
    .expectsToReceive('an order was placed')
    .withContent(order)
    .withMetadata(metadata)
    .verify(receive);
  await pact.expectsToReceive('the service said hello').withTextContent('Hello, Ada', 'text/plain').verify(receive);
  await pact
    .expectsToReceive('a catalogue was exported')
    .withTextContent(catalogue, 'application/xml')
    .verify(receive);
  // The library writes an empty text for XML that its builder has not made.
  await pact
    .expectsToReceive('an empty catalogue was exported')
    .withTextContent('<catalogue/>', 'application/xml')
    .verify(receive);
  await pact
    .expectsToReceive('an archive was made')
    .withBinaryContent(bytes, 'application/octet-stream')
    .withMetadata({ topic: 'archives' })
    .verify(receive);
};

const writeV4 = async () => {
  const pact = new PactV4({ consumer: 'billing-js-v4', provider, dir, logLevel: 'error' });
  await pact
    .addAsynchronousInteraction()
    .given('a customer exists', { id: 7, name: 'Ada' })
    .given('the order is paid')
    .comment('Billing sends the invoice.')
    .testName('order placed')
    .expectsToReceive('an order was placed', (message) => message.withJSONContent(order).withMetadata(metadata))
    .executeTest(receive);
  await pact
    .addAsynchronousInteraction()
    .given('a customer exists', { name: 'Ada' })
    .comment({ key: 'owner', value: 'team billing' })
    .expectsToReceive('a customer was deleted', (message) =>
      message.withJSONContent({ id: fromProviderState('${id}', 7), name: 'Ada' }),
    )
    .executeTest(receive);
  await pact
    .addAsynchronousInteraction()
    .pending()
    .expectsToReceive('an order was cancelled', (message) =>
      message.withJSONContent({ id: integer(4711), reason: 'sold out' }),
    )
    .executeTest(receive);
  await pact
    .addAsynchronousInteraction()
    .expectsToReceive('the service said hello', (message) =>
      message.withContent('text/plain', Buffer.from('Hello, Ada')),
    )
    .executeTest(receive);
  await pact
    .addAsynchronousInteraction()
    .expectsToReceive('an archive was made', (message) => message.withContent('application/octet-stream', bytes))
    .executeTest(receive);
  await pact
    .addSynchronousInteraction('a question about a price')
    .given('a product exists', { id: 1 })
    .withRequest((request) => request.withJSONContent({ product: integer(1) }))
    .withResponse((response) =>
      response.withJSONContent({ product: integer(1), price: number(2.5) }),
    )
    .executeTest(receive);
  await pact
    .addSynchronousInteraction('a request for two answers')
    .withRequest((request) => request.withJSONContent({ product: 1 }))
    .withResponse((response) => response.withJSONContent({ part: 1 }).withJSONContent({ part: 2 }))
    .executeTest(receive);
  await pact
    .addInteraction()
    .given('a product exists', { id: 1 })
    .uponReceiving('a request for a product')
    .withRequest('GET', '/products/1')
    .willRespondWith(200, (response) => response.jsonBody({ id: integer(1), name: string('Tea') }))
    .executeTest((server) => fetch(`${server.url}/products/1`));
};

writeV3().then(writeV4);

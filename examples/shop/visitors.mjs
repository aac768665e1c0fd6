// People who look at the shop: a request now and then, for as long as it runs. Node, a client only.
const shopUrl = process.env.FRONTEND_URL ?? "http://frontend:9080";
const perSecond = Number(process.env.VISITS_PER_SECOND ?? 5);

let visits = 0;
let failures = 0;

async function visit() {
  visits++;
  try {
    const response = await fetch(shopUrl, { signal: AbortSignal.timeout(5_000) });
    await response.arrayBuffer();
    if (!response.ok) failures++;
  } catch {
    failures++;
  }
}

setInterval(visit, 1_000 / perSecond);
setInterval(() => console.log(`${visits} visits, ${failures} failed`), 60_000);

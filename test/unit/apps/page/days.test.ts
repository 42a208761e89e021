/** The days of the log are those of the calendar, in zones whose days have 23, 24 and 25 hours. */
import { describe, expect, test } from "vitest";
import { calendar } from "../../../../src/apps/page/model/rows.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Case {
  readonly zone: string;
  /** The first moments of three days in a row, and of the next day, by the tables of the zone. */
  readonly midnights: readonly [string, string, string, string];
}

const CASES: readonly [string, Case][] = [
  [
    "Berlin, 29 March 2026: 23 hours",
    {
      zone: "Europe/Berlin",
      midnights: [
        "2026-03-27T23:00Z",
        "2026-03-28T23:00Z",
        "2026-03-29T22:00Z",
        "2026-03-30T22:00Z",
      ],
    },
  ],
  [
    "Berlin, 25 October 2026: 25 hours",
    {
      zone: "Europe/Berlin",
      midnights: [
        "2026-10-23T22:00Z",
        "2026-10-24T22:00Z",
        "2026-10-25T23:00Z",
        "2026-10-26T23:00Z",
      ],
    },
  ],
  [
    "São Paulo, 4 November 2018: no midnight, the day begins at 01:00",
    {
      zone: "America/Sao_Paulo",
      midnights: [
        "2018-11-03T03:00Z",
        "2018-11-04T03:00Z",
        "2018-11-05T02:00Z",
        "2018-11-06T02:00Z",
      ],
    },
  ],
  [
    "São Paulo, 17 February 2018: the last hour of the day comes twice",
    {
      zone: "America/Sao_Paulo",
      midnights: [
        "2018-02-16T02:00Z",
        "2018-02-17T02:00Z",
        "2018-02-18T03:00Z",
        "2018-02-19T03:00Z",
      ],
    },
  ],
  [
    "Havana, 1 November 2026: midnight comes twice",
    {
      zone: "America/Havana",
      midnights: [
        "2026-10-31T04:00Z",
        "2026-11-01T04:00Z",
        "2026-11-02T05:00Z",
        "2026-11-03T05:00Z",
      ],
    },
  ],
  [
    "Lord Howe, 5 April 2026: half an hour more",
    {
      zone: "Australia/Lord_Howe",
      midnights: [
        "2026-04-03T13:00Z",
        "2026-04-04T13:00Z",
        "2026-04-05T13:30Z",
        "2026-04-06T13:30Z",
      ],
    },
  ],
  [
    "Tokyo, the turn of a year, without summer time",
    {
      zone: "Asia/Tokyo",
      midnights: [
        "2026-12-30T15:00Z",
        "2026-12-31T15:00Z",
        "2027-01-01T15:00Z",
        "2027-01-02T15:00Z",
      ],
    },
  ],
];

describe.each(CASES)("%s", (_case, { zone, midnights }) => {
  const [before, first, second, end] = midnights.map((text) => Date.parse(text)) as [
    number,
    number,
    number,
    number,
  ];

  test.each(["en-GB", "ar-EG", "th-TH", "fa-IR"])(
    "yesterday is the day before, all through today, in %s",
    (locale) => {
      for (const [yesterday, today, tomorrow] of [
        [before, first, second],
        [first, second, end],
      ] as const) {
        for (let now = today; now < tomorrow; now += 7 * MINUTE) {
          const { day } = calendar(now, locale, zone);
          expect(
            [yesterday - 1, yesterday, today - 1, today, tomorrow - 1].map((at) =>
              ["Today", "Yesterday"].includes(day(at)) ? day(at) : "another",
            ),
            new Date(now).toISOString(),
          ).toEqual(["another", "Yesterday", "Yesterday", "Today", "Today"]);
        }
      }
    },
    60_000,
  );

  test("the name of today changes only at midnight", () => {
    const { isToday } = calendar(first + HOUR, "en-GB", zone);
    expect([first - 1, first, second - 1, second].map(isToday)).toEqual([false, true, true, false]);
  });
});

test("a day that a zone skipped is never yesterday", () => {
  // Samoa went from 29 to 31 December 2011.
  const { day } = calendar(Date.parse("2011-12-31T12:00+14:00"), "en-GB", "Pacific/Apia");
  expect(day(Date.parse("2011-12-29T12:00-10:00"))).toMatch(/29 December 2011$/);
});

test.each([Number.NaN, Infinity, 8.64e15 + 1, -8.64e15 - 1])(
  "an invalid time, %d, does not stop the page",
  (at) => {
    const { day, time } = calendar(Date.UTC(2026, 10, 23), "en-GB", "UTC");
    expect([day(at), time(at)]).toEqual(["Unknown day", ""]);
  },
);

test("the first and the last possible time have a day", () => {
  const { day } = calendar(Date.UTC(2026, 10, 23), "en-GB", "UTC");
  for (const at of [-8.64e15, -62_200_000_000_000, 0, 8.64e15]) {
    expect(day(at)).not.toMatch(/day$/);
  }
});

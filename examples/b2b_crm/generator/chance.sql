-- Chance without a sequence: a draw depends on the seed, on what it is for and on whose it is, and on nothing
-- else. So a longer history or a larger company leaves every earlier draw as it was.
create or replace temp macro chance(what, whose) as
    (md5_number_lower(concat_ws('|', getvariable('seed'), what, whose)) >> 11) / 9007199254740992.0;
create or replace temp macro normal(what, whose) as
    sqrt(-2 * ln(1 - chance(what || ' a', whose))) * cos(2 * pi() * chance(what || ' b', whose));
create or replace temp macro one_of(what, whose, choices) as
    choices[1 + cast(floor(chance(what, whose) * len(choices)) as bigint)];
create or replace temp macro days(what, whose, most) as cast(floor(chance(what, whose) * most) as integer);
create or replace temp macro holiday(day) as
    strftime(day, '%m-%d') in ('01-01', '01-06', '05-01', '12-06', '12-24', '12-25', '12-26', '12-31');

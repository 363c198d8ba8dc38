-- One town for each country and region the companies sit in, with its coordinates and the way its postcodes look.
select * from (values
    ('FI', 'North', 'Oulu', '90', 65.0121, 25.4651), ('FI', 'South', 'Helsinki', '00', 60.1699, 24.9384),
    ('FI', 'East', 'Kuopio', '70', 62.8924, 27.6770), ('FI', 'West', 'Tampere', '33', 61.4978, 23.7610),
    ('SE', 'North', 'Umeå', '90', 63.8258, 20.2630), ('SE', 'South', 'Malmö', '21', 55.6050, 13.0038),
    ('SE', 'East', 'Stockholm', '11', 59.3293, 18.0686), ('SE', 'West', 'Göteborg', '41', 57.7089, 11.9746),
    ('EE', 'North', 'Tallinn', '10', 59.4370, 24.7536), ('EE', 'South', 'Tartu', '50', 58.3780, 26.7290),
    ('EE', 'East', 'Narva', '20', 59.3797, 28.1791), ('EE', 'West', 'Pärnu', '80', 58.3859, 24.4971),
    ('DE', 'North', 'Hamburg', '20', 53.5511, 9.9937), ('DE', 'South', 'München', '80', 48.1351, 11.5820),
    ('DE', 'East', 'Berlin', '10', 52.5200, 13.4050), ('DE', 'West', 'Köln', '50', 50.9375, 6.9603),
    ('NO', 'North', 'Tromsø', '90', 69.6492, 18.9553), ('NO', 'South', 'Kristiansand', '46', 58.1599, 8.0182),
    ('NO', 'East', 'Oslo', '01', 59.9139, 10.7522), ('NO', 'West', 'Bergen', '50', 60.3913, 5.3221)
) as t(country, region, city, postcode_start, latitude, longitude)
